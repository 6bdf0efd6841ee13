#include "library.h"

#ifdef ZMQ__DRAFT
const bool zmq__draft = true;
#else
const bool zmq__draft = false;
#endif
