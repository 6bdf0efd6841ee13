// Audio files played one after the other without a gap. All are opened at once, so that what is played
// was there and fitted when the daemon started.
#ifndef GARDEN_DAEMON_FILES_H
#define GARDEN_DAEMON_FILES_H

#include "source.h"

struct files;
// Fills rate, channels, sample and frames of |info|. Refuses what is no audio file and files that do
// not agree in rate and channels. Where the files' own formats differ, |info| has one that holds all.
int files_open(struct files **out, const char *const *paths, size_t count, struct source_info *info,
               struct garden_error *error);
void files_close(struct files *files);
bool files_rewind(struct files *files);
size_t files_read(struct files *files, union source_sample *out, size_t count);
bool files_failed(const struct files *files);

#endif
