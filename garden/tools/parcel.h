// How recordings travel: a tar archive, whose entries are named by kind and hash, such that the objects
// come before the manifest that names them.
//
//   definitions/<64 hex>.json   chunks/<64 hex>.raw   chunks/<64 hex>.midi   manifests/<64 hex>.json
#ifndef GARDEN_TOOLS_PARCEL_H
#define GARDEN_TOOLS_PARCEL_H

#include "store_tool.h"

enum parcel_kind { PARCEL_DEFINITION, PARCEL_CHUNK, PARCEL_MIDI, PARCEL_MANIFEST, PARCEL_KINDS };
enum { PARCEL_NAME_SIZE = 96, PARCEL_MANIFEST_MAX = 64 * 1024 * 1024, PARCEL_BLOCK = 256 * 1024 };

void parcel_name(enum parcel_kind kind, const struct garden_hash *hash, char out[PARCEL_NAME_SIZE]);
// False: |name| is none of a parcel's.
bool parcel_parse(const char *name, enum parcel_kind *kind, struct garden_hash *hash);
const char *parcel_mime(enum parcel_kind kind);

#endif
