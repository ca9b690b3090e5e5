#include "cortex_files.h"

#include <string.h>

#define BASE 0x21000000u

/* Granules as an STM32 has them. */
enum { SECTOR_BYTES = 4096, INDEX_SECTORS = 1, SECTORS = 34, PROGRAM_BYTES = 8 };

static bool erase(void *context, uint32_t at) {
    (void)context;
    memset((uint8_t *)(BASE + at), 0xff, SECTOR_BYTES);
    return true;
}

static bool program(void *context, uint32_t at, const void *bytes, size_t length) {
    uint8_t *to = (uint8_t *)(BASE + at);
    (void)context;
    for (const uint8_t *from = bytes; length > 0; length--) {
        *to++ &= *from++;
    }
    return true;
}

static const struct mote_flash flash = {.bytes = (const uint8_t *)BASE,
                                        .sector_bytes = SECTOR_BYTES,
                                        .sectors = SECTORS,
                                        .index_sectors = INDEX_SECTORS,
                                        .program_bytes = PROGRAM_BYTES,
                                        .erase = erase,
                                        .program = program};
static uint8_t used[(SECTORS + 7) / 8];
static uint32_t pages[MOTE_FLASH_PAGES(PROGRAM_BYTES)];
struct mote_flash_store cortex_files = {.flash = &flash, .used = used, .pages = pages};
