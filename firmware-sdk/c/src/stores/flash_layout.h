#ifndef MOTE_FLASH_LAYOUT_H
#define MOTE_FLASH_LAYOUT_H

#include "mote/stores/flash_store.h"

/*
 * The format of the flash store, drawn in mote/stores/flash_store.h, and access to it. flash_*.h here are
 * private: only the files of the store include them.
 */

#define MOTE_FLASH_MAGIC 0x6d746633u /* "mtf3" */
#define MOTE_FLASH_ERASED 0xffffu

/* Of a copy of the index. Each field lies at a multiple of its size. */
struct mote_flash_header {
    uint32_t magic;
    uint32_t number;
    uint16_t crc; /* of the two above */
    uint16_t erased;
};

struct mote_flash_details {
    uint32_t id;
    uint32_t size;
    uint32_t modified_s;
    uint16_t modified_ms;
    uint16_t mode;
};

/* In front of each lies its mark, a unit that is erased for as long as the record lives. */
struct mote_flash_record {
    uint16_t length; /* a multiple of 4; MOTE_FLASH_ERASED: the index ends before it */
    uint16_t crc;    /* of what follows it */
    struct mote_flash_details of;
    char path[MOTE_FILE_NAME_BYTES + 4]; /* with one to four NULs */
};

enum {
    MOTE_FLASH_RECORD_HEAD = offsetof(struct mote_flash_record, path),
    MOTE_FLASH_CRC_FROM = offsetof(struct mote_flash_record, of)
};

/* Of a data sector. */
struct mote_flash_sector {
    uint32_t id;
    uint32_t erases; /* of this sector, in all */
    uint16_t index;  /* which part of the file it has */
    uint16_t crc;    /* of the three above */
};

static inline uint32_t mote_flash_index_bytes(const struct mote_flash *flash) {
    return flash->index_sectors * flash->sector_bytes;
}

/* What is programmed at a time. */
static inline uint32_t mote_flash_granule_bytes(const struct mote_flash *flash) {
    return flash->program_bytes ? flash->program_bytes : 1;
}

/* What begins a granule, and can be read in place: both are powers of two. */
static inline uint32_t mote_flash_unit_bytes(const struct mote_flash *flash) {
    return flash->program_bytes > 4 ? flash->program_bytes : 4;
}

/** Rounds up to whole units. */
uint32_t mote_flash_to_units(const struct mote_flash *flash, size_t length);

static inline uint32_t mote_flash_head_bytes(const struct mote_flash *flash) {
    return mote_flash_to_units(flash, sizeof(struct mote_flash_sector));
}

/** Bytes of a file that fit into a data sector. */
uint32_t mote_flash_part_bytes(const struct mote_flash *flash);

static inline unsigned mote_flash_first_data(const struct mote_flash_store *store) {
    return 2u * store->flash->index_sectors;
}

static inline const struct mote_flash_sector *
mote_flash_sector_at(const struct mote_flash_store *store, unsigned number) {
    return (const struct mote_flash_sector *)(const void *)(store->flash->bytes +
                                                            number * store->flash->sector_bytes);
}

static inline const uint8_t *mote_flash_part_at(const struct mote_flash_store *store,
                                                unsigned sector) {
    return (const uint8_t *)mote_flash_sector_at(store, sector) +
           mote_flash_head_bytes(store->flash);
}

/** CRC-16 of what is in memory. */
uint16_t mote_flash_crc(const void *bytes, size_t length);

/**
 * Programs bytes (NULL: zeros), filled up with erased ones to whole granules. They are copied to
 * RAM first, so they may lie in this flash.
 */
MOTE_MUST_USE bool mote_flash_program(const struct mote_flash_store *store, uint32_t at,
                                      const void *bytes, uint32_t length);

#endif
