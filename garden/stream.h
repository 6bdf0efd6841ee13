// How a captured stream's chunks and totals are told in messages: as dynamic values inside the
// result of a reply and the metadata of an event.
//
//   chunk:  {"number", "path", "first_sample", "sample_count", "byte_count", "gaps": [[first, count]]}
//   totals: {"offered", "captured", "overrun", "bytes", "chunks"}
//   levels: {"first", "frames", "step", "least": [...], "greatest": [...], "peaks": [...]}: of so many captured
//           frames from |first| on, where the next head's begin, for each run of |step| of them (the last may be
//           shorter) the least and the greatest sample of all channels; and of the first eight channels the
//           greatest magnitude since the head before. In thousandths of full scale
//
//   StreamStart's reply        Ok {"status": "recording"}
//   StreamSwitchChunk's reply  Ok {"status": "switched", "full": chunk}; "full" is the full chunk that
//                              this answers, and may be absent
//   StreamStop's reply         Ok {"status": "stopped", "totals": totals, "last": chunk, "untold":
//                              [chunk]}; "untold" are full chunks of which the client may not know
//   StreamChunkFull            metadata {"chunk": chunk}
//   StreamHeadPosition         metadata {"path": of the chunk that takes frames, "standby": bool,
//                              "totals": totals, "ended": true once the source has nothing more, and
//                              all it had is in chunks or waits for one; of a daemon with a page also
//                              "levels": levels}
//   StreamError of an overrun  metadata {"gap": [first, count]}
//   StreamError of a failure   metadata {"code": name}, as of an Error; while frames are dropped "timeout" where no
//                              chunk was staged in time, "no_space" where the disk is full
//   Error to a stream request  metadata {"code": name}, such as "not_found" for a stream that the
//                              daemon does not have
//
// The state in a DebugDump has "sources": [{"name", "kind": "audio" or "midi", of audio also "sample_rate",
// "channels" and "sample_format" as on the wire, "frames": how many or null}], and "streams": [{"uri",
// "state": "starting", "recording", "stopping" or "stopped", "totals"}].
#ifndef GARDEN_STREAM_H
#define GARDEN_STREAM_H

#include "capture.h"
#include "wire.h"

#ifdef __cplusplus
extern "C" {
#endif

// What is wrong with |uri| as a stream's name, to be put behind "the uri "; null: nothing. A name is stream:// and one
// character or more, of which the first is no slash: well-formed UTF-8 of fewer than GARDEN_URI_MAX octets, without what
// a log, a table or a terminal would not show where it stands. So it may be printed as it is, and stands in one line.
const char *garden_stream_uri_wrong(struct garden_text uri);

// Values that live in |arena|. GARDEN_ERR_MEMORY.
int garden_chunk_report_value(const struct garden_chunk_report *report, struct garden_arena *arena,
                              struct garden_value *out);
int garden_capture_totals_value(const struct garden_capture_totals *totals,
                                struct garden_arena *arena, struct garden_value *out);
struct garden_value garden_gap_value(const struct garden_gap *gap, struct garden_arena *arena);

// GARDEN_ERR_FORMAT when a member is missing, of the wrong type or out of range.
int garden_chunk_report_read(const struct garden_value *value, struct garden_chunk_report *out);
int garden_capture_totals_read(const struct garden_value *value, struct garden_capture_totals *out);

// The metadata entry of an Error with |code|, and its reading: GARDEN_ERR_SYSTEM when there is none.
struct garden_entry garden_code_entry(int code);
int garden_code_read(const struct garden_map *metadata);

// A definition on the wire as a stream's format, and back. GARDEN_ERR_RANGE when it cannot be captured:
// no channels, no rate, above the limits of capture.h.
int garden_stream_format_read(const struct garden_stream_definition *definition,
                              struct garden_stream_format *out);
void garden_stream_definition_of(const struct garden_stream_format *format, uint64_t chunk_size,
                                 struct garden_text device, struct garden_stream_definition *out);

#ifdef __cplusplus
}
#endif
#endif
