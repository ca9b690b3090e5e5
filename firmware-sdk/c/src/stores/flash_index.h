#ifndef MOTE_FLASH_INDEX_H
#define MOTE_FLASH_INDEX_H

#include "flash_layout.h"

/** Finds the newest valid copy of the index and reads it. False: there is none yet. */
bool mote_flash_index_mount(struct mote_flash_store *store);

/** The living record that follows one, or with NULL the first one; NULL: there is none. */
const struct mote_flash_record *mote_flash_index_next(const struct mote_flash_store *store,
                                                      const struct mote_flash_record *record);

/** The living record of an id, or NULL. */
const struct mote_flash_record *mote_flash_index_find_id(const struct mote_flash_store *store,
                                                         uint32_t id);

/** The entry at a path, and at its parents. */
struct mote_flash_place {
    const struct mote_flash_record *file;
    bool is_directory;
    bool is_below_file;
};

struct mote_flash_place mote_flash_index_find(const struct mote_flash_store *store,
                                              const char *path);

/** Marks a record as dead. */
void mote_flash_index_kill(const struct mote_flash_store *store,
                           const struct mote_flash_record *record);

/**
 * Adds a record. From then on its path exists, and any other record of the same path or id is dead.
 * Compacts the index first if it is full.
 */
MOTE_MUST_USE enum mote_status mote_flash_index_put(struct mote_flash_store *store,
                                                    const struct mote_flash_details *of,
                                                    const char *path);

#endif
