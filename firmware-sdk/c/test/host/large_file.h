#ifndef LARGE_FILE_H
#define LARGE_FILE_H

#include "mote/stores/flash_store.h"

/** Adds to the flash store's files one at /large, whose bytes follow from their positions. */
void large_file_add(struct mote_file_store *files);

/** The size of /large; 0: there is no such file. */
extern uint32_t large_file_bytes;

#endif
