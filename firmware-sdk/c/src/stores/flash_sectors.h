#ifndef MOTE_FLASH_SECTORS_H
#define MOTE_FLASH_SECTORS_H

#include "flash_layout.h"

/** Marks the sectors that the files of the index use. Call after mote_flash_index_mount. */
void mote_flash_sectors_mount(struct mote_flash_store *store);

/** The sector with a part of a file, looked for from one on; 0: there is none. */
unsigned mote_flash_sectors_find(const struct mote_flash_store *store, uint32_t id, uint32_t index,
                                 unsigned from);

/**
 * Erases a free sector for the part of a file that begins at `file->at` and returns its number;
 * 0: there is none. Selects the least worn sector; if a file that does not change has that one,
 * the file moves to another. A sector that fails stays marked as used until the next mount.
 */
unsigned mote_flash_sectors_begin(struct mote_flash_store *store, const struct mote_file *file);

/** Frees all sectors of a file. */
void mote_flash_sectors_release(struct mote_flash_store *store, uint32_t id);

/** Bytes that fit into the sectors that no file uses. */
uint32_t mote_flash_sectors_room(const struct mote_flash_store *store);

#endif
