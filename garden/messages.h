// The one table of everything that the garden protocol says. The C types in wire.h, the MessagePack
// and JSON forms in both dialects, and the tests that round-trip every message are made from it:
// adding a message is adding a row here.
//
// A table is a macro that applies its arguments to each row:
//   FIELD(row, type, name)    OPTION(row, type, name)    MEMBER(type, name)
//     in the order of the wire. OPTION may be absent: it adds a member "bool has_<name>".
//   ROW(name, CONSTANT, Wire, fields)     a variant, called Wire in CamelCase
//   UNIT(name, CONSTANT, Wire)            a variant without fields
//   ALIAS(name, CONSTANT, Wire, Tagged)   a unit that the tagged dialect calls otherwise
//   NAME(CONSTANT, Wire)                  a value of a plain enum
// The tagged dialect's names are the same in snake_case. CONSTANT gets GARDEN_ in front.
//
// Types: flag, u16, u32, u64; ratio (a float), real, beat, tempo (doubles; all finite); text; uuid;
// time; value and map (dynamic; value_or_null may be left out); range (two beats, as a pair); LIST(t);
// and the name of any table above the one that uses it.
#ifndef GARDEN_MESSAGES_H
#define GARDEN_MESSAGES_H

// clang-format off

// ---- The header of every message

#define GARDEN_TABLE_header(MEMBER, OPTION)                                                \
    MEMBER(uuid, msg_id)                                                                   \
    MEMBER(uuid, session)                                                                  \
    MEMBER(text, msg_type)                                                                 \
    MEMBER(text, version)                                                                  \
    MEMBER(time, timestamp)

// ---- Helpers

#define GARDEN_TABLE_content_type(NAME)                                                    \
    NAME(CONTENT_AUDIO, Audio)                                                             \
    NAME(CONTENT_MIDI, Midi)                                                               \
    NAME(CONTENT_CONTROL, Control)

#define GARDEN_TABLE_execution_state(NAME)                                                 \
    NAME(EXECUTION_IDLE, Idle)                                                             \
    NAME(EXECUTION_BUSY, Busy)                                                             \
    NAME(EXECUTION_STARTING, Starting)                                                     \
    NAME(EXECUTION_SHUTTING_DOWN, ShuttingDown)

#define GARDEN_TABLE_wire_sample(NAME)                                                     \
    NAME(WIRE_SAMPLE_F32_LE, F32Le)                                                        \
    NAME(WIRE_SAMPLE_S16_LE, S16Le)                                                        \
    NAME(WIRE_SAMPLE_S24_LE, S24Le)                                                        \
    NAME(WIRE_SAMPLE_S32_LE, S32Le)

#define GARDEN_TABLE_range(MEMBER, OPTION)                                                 \
    MEMBER(beat, start)                                                                    \
    MEMBER(beat, end)

#define GARDEN_TABLE_port_ref(MEMBER, OPTION)                                              \
    MEMBER(uuid, node_id)                                                                  \
    MEMBER(text, port_name)

#define GARDEN_TABLE_region_summary(MEMBER, OPTION)                                        \
    MEMBER(uuid, region_id)                                                                \
    MEMBER(beat, position)                                                                 \
    MEMBER(beat, duration)                                                                 \
    MEMBER(flag, is_latent)                                                                \
    OPTION(text, artifact_id)

#define GARDEN_TABLE_pending_approval(MEMBER, OPTION)                                      \
    MEMBER(uuid, region_id)                                                                \
    MEMBER(text, artifact_id)                                                              \
    MEMBER(text, content_hash)                                                             \
    MEMBER(content_type, content_type)                                                     \
    MEMBER(time, resolved_at)

#define GARDEN_TABLE_curve_point(MEMBER, OPTION)                                           \
    MEMBER(beat, beat)                                                                     \
    MEMBER(real, value)

#define GARDEN_TABLE_node_descriptor(MEMBER, OPTION)                                       \
    MEMBER(text, name)                                                                     \
    MEMBER(text, node_type)                                                                \
    MEMBER(value, config)

#define GARDEN_TABLE_participant(MEMBER, OPTION)                                           \
    MEMBER(uuid, id)                                                                       \
    MEMBER(text, name)                                                                     \
    MEMBER(LIST(text), capabilities)

#define GARDEN_TABLE_participant_update(MEMBER, OPTION)                                    \
    OPTION(text, name)                                                                     \
    OPTION(LIST(text), capabilities)

// External in both dialects; the tagged one only spells it in snake_case.
#define GARDEN_TABLE_behavior(ROW, UNIT, ALIAS, FIELD, OPTION)                             \
    ROW(play_content, BEHAVIOR_PLAY_CONTENT, PlayContent,                                  \
        FIELD(play_content, text, artifact_id))                                            \
    ROW(latent, BEHAVIOR_LATENT, Latent,                                                   \
        FIELD(latent, text, job_id))                                                       \
    ROW(apply_processing, BEHAVIOR_APPLY_PROCESSING, ApplyProcessing,                      \
        FIELD(apply_processing, text, parameter)                                           \
        FIELD(apply_processing, LIST(curve_point), curve))                                 \
    ROW(emit_trigger, BEHAVIOR_EMIT_TRIGGER, EmitTrigger,                                  \
        FIELD(emit_trigger, text, event_type))

#define GARDEN_TABLE_wire_format(ROW, UNIT, ALIAS, FIELD, OPTION)                          \
    ROW(audio, WIRE_FORMAT_AUDIO, Audio,                                                   \
        FIELD(audio, u32, sample_rate)                                                     \
        FIELD(audio, u16, channels)                                                        \
        FIELD(audio, wire_sample, sample_format))                                          \
    UNIT(midi, WIRE_FORMAT_MIDI, Midi)

#define GARDEN_TABLE_stream_definition(MEMBER, OPTION)                                     \
    MEMBER(text, device_identity)                                                          \
    MEMBER(wire_format, format)                                                            \
    MEMBER(u64, chunk_size_bytes)

// ---- IOPub

#define GARDEN_TABLE_event(ROW, UNIT, ALIAS, FIELD, OPTION)                                \
    ROW(status, EVENT_STATUS, Status,                                                      \
        FIELD(status, execution_state, execution_state))                                   \
    ROW(latent_submitted, EVENT_LATENT_SUBMITTED, LatentSubmitted,                         \
        FIELD(latent_submitted, uuid, region_id)                                           \
        FIELD(latent_submitted, text, job_id))                                             \
    ROW(latent_progress, EVENT_LATENT_PROGRESS, LatentProgress,                            \
        FIELD(latent_progress, uuid, region_id)                                            \
        FIELD(latent_progress, ratio, progress))                                           \
    ROW(latent_resolved, EVENT_LATENT_RESOLVED, LatentResolved,                            \
        FIELD(latent_resolved, uuid, region_id)                                            \
        FIELD(latent_resolved, text, artifact_id)                                          \
        FIELD(latent_resolved, text, content_hash))                                        \
    ROW(latent_failed, EVENT_LATENT_FAILED, LatentFailed,                                  \
        FIELD(latent_failed, uuid, region_id)                                              \
        FIELD(latent_failed, text, error))                                                 \
    ROW(latent_approved, EVENT_LATENT_APPROVED, LatentApproved,                            \
        FIELD(latent_approved, uuid, region_id))                                           \
    ROW(latent_rejected, EVENT_LATENT_REJECTED, LatentRejected,                            \
        FIELD(latent_rejected, uuid, region_id)                                            \
        OPTION(latent_rejected, text, reason))                                             \
    UNIT(playback_started, EVENT_PLAYBACK_STARTED, PlaybackStarted)                        \
    UNIT(playback_stopped, EVENT_PLAYBACK_STOPPED, PlaybackStopped)                        \
    ROW(playback_position, EVENT_PLAYBACK_POSITION, PlaybackPosition,                      \
        FIELD(playback_position, beat, beat)                                               \
        FIELD(playback_position, real, second))                                            \
    ROW(mixed_in, EVENT_MIXED_IN, MixedIn,                                                 \
        FIELD(mixed_in, uuid, region_id)                                                   \
        FIELD(mixed_in, beat, at_beat))                                                    \
    ROW(node_added, EVENT_NODE_ADDED, NodeAdded,                                           \
        FIELD(node_added, uuid, node_id)                                                   \
        FIELD(node_added, text, name))                                                     \
    ROW(node_removed, EVENT_NODE_REMOVED, NodeRemoved,                                     \
        FIELD(node_removed, uuid, node_id))                                                \
    ROW(connection_made, EVENT_CONNECTION_MADE, ConnectionMade,                            \
        FIELD(connection_made, port_ref, source)                                           \
        FIELD(connection_made, port_ref, dest))                                            \
    ROW(connection_broken, EVENT_CONNECTION_BROKEN, ConnectionBroken,                      \
        FIELD(connection_broken, port_ref, source)                                         \
        FIELD(connection_broken, port_ref, dest))                                          \
    ROW(participant_online, EVENT_PARTICIPANT_ONLINE, ParticipantOnline,                   \
        FIELD(participant_online, uuid, participant_id)                                    \
        FIELD(participant_online, text, name))                                             \
    ROW(participant_offline, EVENT_PARTICIPANT_OFFLINE, ParticipantOffline,                \
        FIELD(participant_offline, uuid, participant_id))                                  \
    ROW(capability_changed, EVENT_CAPABILITY_CHANGED, CapabilityChanged,                   \
        FIELD(capability_changed, uuid, participant_id)                                    \
        FIELD(capability_changed, text, capability)                                        \
        FIELD(capability_changed, flag, available))                                        \
    ROW(error, EVENT_ERROR, Error,                                                         \
        FIELD(error, text, error)                                                          \
        OPTION(error, text, context))                                                      \
    ROW(warning, EVENT_WARNING, Warning,                                                   \
        FIELD(warning, text, message))                                                     \
    ROW(stream_head_position, EVENT_STREAM_HEAD_POSITION, StreamHeadPosition,              \
        FIELD(stream_head_position, text, stream_uri)                                      \
        FIELD(stream_head_position, u64, sample_position)                                  \
        FIELD(stream_head_position, u64, byte_position)                                    \
        FIELD(stream_head_position, time, wall_clock))                                     \
    ROW(stream_chunk_full, EVENT_STREAM_CHUNK_FULL, StreamChunkFull,                       \
        FIELD(stream_chunk_full, text, stream_uri)                                         \
        FIELD(stream_chunk_full, text, path)                                               \
        FIELD(stream_chunk_full, u64, bytes_written)                                       \
        FIELD(stream_chunk_full, u64, samples_written)                                     \
        FIELD(stream_chunk_full, time, wall_clock))                                        \
    ROW(stream_error, EVENT_STREAM_ERROR, StreamError,                                     \
        FIELD(stream_error, text, stream_uri)                                              \
        FIELD(stream_error, text, error)                                                   \
        FIELD(stream_error, flag, recoverable))                                            \
    ROW(welcome, EVENT_WELCOME, Welcome,  /* ours: to a new subscriber alone */            \
        FIELD(welcome, uuid, session)                                                      \
        FIELD(welcome, u64, next_seq)                                                      \
        FIELD(welcome, u64, oldest_seq)                                                    \
        FIELD(welcome, value_or_null, state))

// An event that was published before, as GetEvents brings it again.
#define GARDEN_TABLE_past_event(MEMBER, OPTION)                                            \
    MEMBER(u64, seq)                                                                       \
    MEMBER(time, timestamp)                                                                \
    MEMBER(map, metadata)                                                                  \
    MEMBER(event, event)

// ---- Shell

#define GARDEN_TABLE_shell_request(ROW, UNIT, ALIAS, FIELD, OPTION)                        \
    ROW(create_region, SHELL_CREATE_REGION, CreateRegion,                                  \
        FIELD(create_region, beat, position)                                               \
        FIELD(create_region, beat, duration)                                               \
        FIELD(create_region, behavior, behavior))                                          \
    ROW(delete_region, SHELL_DELETE_REGION, DeleteRegion,                                  \
        FIELD(delete_region, uuid, region_id))                                             \
    ROW(move_region, SHELL_MOVE_REGION, MoveRegion,                                        \
        FIELD(move_region, uuid, region_id)                                                \
        FIELD(move_region, beat, new_position))                                            \
    ROW(update_latent_started, SHELL_UPDATE_LATENT_STARTED, UpdateLatentStarted,           \
        FIELD(update_latent_started, uuid, region_id)                                      \
        FIELD(update_latent_started, text, job_id))                                        \
    ROW(update_latent_progress, SHELL_UPDATE_LATENT_PROGRESS, UpdateLatentProgress,        \
        FIELD(update_latent_progress, uuid, region_id)                                     \
        FIELD(update_latent_progress, ratio, progress))                                    \
    ROW(update_latent_resolved, SHELL_UPDATE_LATENT_RESOLVED, UpdateLatentResolved,        \
        FIELD(update_latent_resolved, uuid, region_id)                                     \
        FIELD(update_latent_resolved, text, artifact_id)                                   \
        FIELD(update_latent_resolved, text, content_hash)                                  \
        FIELD(update_latent_resolved, content_type, content_type))                         \
    ROW(update_latent_failed, SHELL_UPDATE_LATENT_FAILED, UpdateLatentFailed,              \
        FIELD(update_latent_failed, uuid, region_id)                                       \
        FIELD(update_latent_failed, text, error))                                          \
    ROW(approve_latent, SHELL_APPROVE_LATENT, ApproveLatent,                               \
        FIELD(approve_latent, uuid, region_id)                                             \
        FIELD(approve_latent, uuid, decided_by))                                           \
    ROW(reject_latent, SHELL_REJECT_LATENT, RejectLatent,                                  \
        FIELD(reject_latent, uuid, region_id)                                              \
        FIELD(reject_latent, uuid, decided_by)                                             \
        OPTION(reject_latent, text, reason))                                               \
    UNIT(play, SHELL_PLAY, Play)                                                           \
    UNIT(pause, SHELL_PAUSE, Pause)                                                        \
    UNIT(stop, SHELL_STOP, Stop)                                                           \
    ROW(seek, SHELL_SEEK, Seek,                                                            \
        FIELD(seek, beat, beat))                                                           \
    ROW(set_tempo, SHELL_SET_TEMPO, SetTempo,                                              \
        FIELD(set_tempo, tempo, bpm))                                                      \
    ROW(add_node, SHELL_ADD_NODE, AddNode,                                                 \
        FIELD(add_node, node_descriptor, node))                                            \
    ROW(remove_node, SHELL_REMOVE_NODE, RemoveNode,                                        \
        FIELD(remove_node, uuid, node_id))                                                 \
    ROW(connect, SHELL_CONNECT, Connect,                                                   \
        FIELD(connect, port_ref, source)                                                   \
        FIELD(connect, port_ref, dest))                                                    \
    ROW(disconnect, SHELL_DISCONNECT, Disconnect,                                          \
        FIELD(disconnect, port_ref, source)                                                \
        FIELD(disconnect, port_ref, dest))                                                 \
    ROW(register_participant, SHELL_REGISTER_PARTICIPANT, RegisterParticipant,             \
        FIELD(register_participant, participant, participant))                             \
    ROW(update_participant, SHELL_UPDATE_PARTICIPANT, UpdateParticipant,                   \
        FIELD(update_participant, uuid, participant_id)                                    \
        FIELD(update_participant, participant_update, updates))                            \
    UNIT(get_transport_state, SHELL_GET_TRANSPORT_STATE, GetTransportState)                \
    ROW(get_regions, SHELL_GET_REGIONS, GetRegions,                                        \
        OPTION(get_regions, range, range))                                                 \
    UNIT(get_pending_approvals, SHELL_GET_PENDING_APPROVALS, GetPendingApprovals)          \
    ROW(stream_start, SHELL_STREAM_START, StreamStart,                                     \
        FIELD(stream_start, text, uri)                                                     \
        FIELD(stream_start, stream_definition, definition)                                 \
        FIELD(stream_start, text, chunk_path))                                             \
    ROW(stream_switch_chunk, SHELL_STREAM_SWITCH_CHUNK, StreamSwitchChunk,                 \
        FIELD(stream_switch_chunk, text, uri)                                              \
        FIELD(stream_switch_chunk, text, new_chunk_path))                                  \
    ROW(stream_stop, SHELL_STREAM_STOP, StreamStop,                                        \
        FIELD(stream_stop, text, uri))                                                     \
    ROW(get_events, SHELL_GET_EVENTS, GetEvents,  /* ours: what a subscriber missed */     \
        FIELD(get_events, u64, from_seq))

#define GARDEN_TABLE_shell_reply(ROW, UNIT, ALIAS, FIELD, OPTION)                          \
    ROW(ok, REPLY_OK, Ok,                                                                  \
        FIELD(ok, value_or_null, result))                                                  \
    ROW(error, REPLY_ERROR, Error,                                                         \
        FIELD(error, text, error)                                                          \
        OPTION(error, text, traceback))                                                    \
    ROW(region_created, REPLY_REGION_CREATED, RegionCreated,                               \
        FIELD(region_created, uuid, region_id))                                            \
    ROW(node_added, REPLY_NODE_ADDED, NodeAdded,                                           \
        FIELD(node_added, uuid, node_id))                                                  \
    ROW(transport_state, REPLY_TRANSPORT_STATE, TransportState,                            \
        FIELD(transport_state, flag, playing)                                              \
        FIELD(transport_state, beat, position)                                             \
        FIELD(transport_state, tempo, tempo))                                              \
    ROW(regions, REPLY_REGIONS, Regions,                                                   \
        FIELD(regions, LIST(region_summary), regions))                                     \
    ROW(pending_approvals, REPLY_PENDING_APPROVALS, PendingApprovals,                      \
        FIELD(pending_approvals, LIST(pending_approval), approvals))                       \
    ROW(events, REPLY_EVENTS, Events,  /* ours: at most so many, so ask again from the next */ \
        FIELD(events, uuid, session)                                                       \
        FIELD(events, u64, oldest_seq)                                                     \
        FIELD(events, u64, next_seq)                                                       \
        FIELD(events, LIST(past_event), events))

// ---- Control

#define GARDEN_TABLE_control_request(ROW, UNIT, ALIAS, FIELD, OPTION)                      \
    UNIT(shutdown, CONTROL_SHUTDOWN, Shutdown)                                             \
    UNIT(interrupt, CONTROL_INTERRUPT, Interrupt)                                          \
    ALIAS(pause, CONTROL_PAUSE, Pause, EmergencyPause)                                     \
    UNIT(debug_dump, CONTROL_DEBUG_DUMP, DebugDump)

#define GARDEN_TABLE_control_reply(ROW, UNIT, ALIAS, FIELD, OPTION)                        \
    UNIT(ok, CONTROL_REPLY_OK, Ok)                                                         \
    UNIT(shutting_down, CONTROL_REPLY_SHUTTING_DOWN, ShuttingDown)                         \
    ROW(interrupted, CONTROL_REPLY_INTERRUPTED, Interrupted,                               \
        FIELD(interrupted, text, was_running))                                             \
    ROW(debug_dump, CONTROL_REPLY_DEBUG_DUMP, DebugDump,                                   \
        FIELD(debug_dump, value, state))                                                   \
    ROW(error, CONTROL_REPLY_ERROR, Error,  /* ours: for what could not be read */         \
        FIELD(error, text, error))

// ---- Query. A reply whose rows are not all has metadata {"truncated": true, "rows_max": how many there may be}

#define GARDEN_TABLE_query_request(MEMBER, OPTION)                                         \
    MEMBER(text, query)                                                                    \
    MEMBER(map, variables)

#define GARDEN_TABLE_query_reply(ROW, UNIT, ALIAS, FIELD, OPTION)                          \
    ROW(results, QUERY_REPLY_RESULTS, Results,                                             \
        FIELD(results, LIST(value), rows))                                                 \
    ROW(error, QUERY_REPLY_ERROR, Error,                                                   \
        FIELD(error, text, error))

// ---- What the content of a message can be: FAMILY(name, CONSTANT, the header's msg_type)

#define GARDEN_FAMILIES(FAMILY)                                                            \
    FAMILY(shell_request, SHELL_REQUEST, "shell_request")                                  \
    FAMILY(shell_reply, SHELL_REPLY, "shell_reply")                                        \
    FAMILY(control_request, CONTROL_REQUEST, "control_request")                            \
    FAMILY(control_reply, CONTROL_REPLY, "control_reply")                                  \
    FAMILY(query_request, QUERY_REQUEST, "query_request")                                  \
    FAMILY(query_reply, QUERY_REPLY, "query_reply")                                        \
    FAMILY(event, EVENT, "iopub_event")

// clang-format on

#endif
