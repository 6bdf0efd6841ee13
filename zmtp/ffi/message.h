// A message as its handle holds it.
#ifndef ZMTP_FFI_MESSAGE_H
#define ZMTP_FFI_MESSAGE_H

#include "../msg.h"
#include "table.h"

// Appends shares of all parts to |to|, which is empty, and its routing id. ZMTP_ERR_MEMORY.
int zmtp__ffi_message_share(const struct zmtp__ffi_slot *slot, struct zmtp_msg *to);
// What it held goes, and it is |msg| from now on, which is emptied. How many parts that is.
int32_t zmtp__ffi_message_replace(const struct zmtp__ffi_slot *slot, struct zmtp_msg *msg);

#endif
