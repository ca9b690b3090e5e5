#ifndef POSIX_FILES_H
#define POSIX_FILES_H

#include "mote/stores/flash_store.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The store of the device's files. */
extern struct mote_flash_store posix_files;

/**
 * Mounts the files: in `folder`/flash, which outlives the process, or in memory if `folder` is
 * NULL. Exits with a message if it cannot.
 */
void files_mount(const char *folder);

#ifdef __cplusplus
}
#endif

#endif
