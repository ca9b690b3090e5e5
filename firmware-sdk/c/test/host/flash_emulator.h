#ifndef FLASH_EMULATOR_H
#define FLASH_EMULATOR_H

#include "mote/stores/flash_store.h"

/**
 * Flash in memory that is as strict as a chip: erases whole sectors, programs whole granules that are
 * aligned and that were not programmed since, from memory that is not flash itself. What breaks these
 * rules ends the process with a line on stderr. It does not have: time, wear that breaks it, bits that
 * flip by themselves.
 *
 * Its power can go at any point: each granule and each erasure is two, and at the first of them it is
 * left half done, with any of its bits changed and others not.
 */
struct flash_emulator {
    struct mote_flash flash; /* for the store */
    uint32_t *erases;        /* of each sector */
    unsigned long points;    /* until the power goes; FLASH_POWERED: never */
    unsigned long spent;     /* points, since it was zeroed */
};

#define FLASH_POWERED 0xffffffffuL

extern struct flash_emulator flash_emulator;

/** New flash, erased; a granule of 0 is said to the store so, and is 1. */
void flash_emulator_start(uint32_t sector_bytes, uint16_t sectors, uint16_t index_sectors,
                          uint16_t granule);

/** Notes all that is in it, and puts it back. */
void flash_emulator_save(void);
void flash_emulator_restore(void);

#endif
