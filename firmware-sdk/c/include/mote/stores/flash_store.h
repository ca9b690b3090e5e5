#ifndef MOTE_FLASH_STORE_H
#define MOTE_FLASH_STORE_H

#include "mote/commands/files.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Persistent memory: flash, or RAM that behaves like it. It can be read in place; erasing
 * sets all bits of a sector; each granule of `program_bytes` is programmed at most once between two
 * erasures, whole. So flash with a checksum over each granule (STM32: 8, 16 or 32 bytes) is in order. Its
 * functions are called from poll only, and from mount.
 */
struct mote_flash {
    const uint8_t *bytes;   /* at a multiple of 4, all where a pointer leads: on AVR within 64 KiB */
    uint32_t sector_bytes;  /* a multiple of 4 and of program_bytes, more than 12 */
    uint16_t sectors;       /* at least 2 × index_sectors + 1 */
    uint16_t index_sectors; /* for each of the two copies of the index */
    uint16_t program_bytes; /* a power of two from 1 to 256; 0 is 1 */

    /** Erases the sector that begins at `at`. False: it failed. */
    bool (*erase)(void *context, uint32_t at);

    /**
     * Programs `length` bytes, which lie in RAM, at any address. `at` and `length` are multiples of
     * program_bytes, and the granules are erased. False: it failed.
     */
    bool (*program)(void *context, uint32_t at, const void *bytes, size_t length);
    void *context;
};

/** Longest data of one call of `program`, bytes: the longest record, in granules. */
#define MOTE_FLASH_PIECE(program_bytes)                                                            \
    ((MOTE_FILE_NAME_BYTES + 23 + (program_bytes)) / (program_bytes) * (program_bytes))

/** RAM that a store needs, in words: a piece, and a granule for each file that is being written, whose
 * bytes wait there until they are one. */
#define MOTE_FLASH_PAGES(program_bytes)                                                            \
    ((MOTE_FLASH_PIECE(program_bytes) + MOTE_JOBS * (program_bytes) + 3) / 4)

/**
 * Files in flash, each in sectors of its own.
 *
 *   │ index │ the other │ data │ data │ data │ …
 *
 *   index: magic, number, crc │ mark │ record │ mark │ record │ … │ erased
 *   record: length, crc, id, size, modified, mode, path
 *   data sector: id, erasures, index, crc │ bytes
 *
 * Each of these begins a granule. A record with its mark takes 24 bytes and the path, each rounded up:
 * with granules of 8 bytes 48 for a path of 19, with granules of 256 bytes 512.
 *
 * A file's bytes go into free sectors first; one record then puts it in place. The last record of
 * a path, or of an id, whose mark is erased counts; so a reset at any point leaves the file before or
 * the one after. When the index is full its living records move to the other copy, whose header is
 * written last. There is no list of free sectors: those are free whose id no living record has.
 *
 * Each data sector counts its erasures, and the one that has the fewest is taken: over resets too, and
 * also from a file that does not change, which moves then. So no two data sectors are more than about
 * 16 erasures apart. A copy of the index is erased each time the space beyond the records of the
 * present files is full; with enough space (`index_sectors`) it wears less than the data.
 */
struct mote_flash_store {
    const struct mote_flash *flash;
    uint8_t *used;       /* a bit for each sector: (sectors + 7) / 8 bytes, the caller's */
    uint32_t *pages;     /* MOTE_FLASH_PAGES(program_bytes) words, the caller's */
    uint32_t writers[MOTE_JOBS]; /* the ids of the files whose bytes wait in the pages; 0: none */
    uint32_t index_at;   /* the copy in use */
    uint32_t end;        /* where the next record goes */
    uint32_t number;     /* of the copy; 0: there is none yet */
    uint32_t next_id;
    bool full;           /* something is wrong behind `end`: nothing can be added to this copy */
};

/**
 * Reads the present content of the flash. Unknown content counts as empty, and is overwritten
 * with the first file. `flash`, `used` and `pages` are set, the rest is zeroed.
 *
 * Blocking: reads the index and the head of each sector. ISR-safe: no. Re-entrant: for different
 * stores.
 */
void mote_flash_store_mount(struct mote_flash_store *store);

/** The store; its context is a struct mote_flash_store. */
extern const struct mote_file_store mote_flash_store;

#ifdef __cplusplus
}
#endif

#endif
