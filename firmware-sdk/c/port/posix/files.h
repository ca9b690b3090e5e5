#ifndef POSIX_FILES_H
#define POSIX_FILES_H

#include "mote/flash_store.h"

/** The store of the device's files. */
extern struct mote_flash_store posix_files;

/**
 * Mounts the files: in `folder`/flash, where they outlive the process, or in memory where `folder`
 * is NULL. Exits with a message if it cannot.
 */
void files_mount(const char *folder);

#endif
