#define _DEFAULT_SOURCE

#include "posix_files.h"

#include <string.h>

#include "mapping.h"

/* Flash of 8 MiB, of which only what is used takes memory or disk. */
enum { SECTOR_BYTES = 4096, INDEX_SECTORS = 4, SECTORS = 2048, PROGRAM_BYTES = 8 };

static uint8_t used[SECTORS / 8];
static uint32_t pages[MOTE_FLASH_PAGES(PROGRAM_BYTES)];
static struct mote_flash flash;

struct mote_flash_store posix_files = {.flash = &flash, .used = used, .pages = pages};

static bool erase(void *context, uint32_t at) {
    memset((uint8_t *)context + at, 0xff, SECTOR_BYTES);
    return true;
}

/* As flash does: bits are only cleared. */
static bool program(void *context, uint32_t at, const void *bytes, size_t length) {
    uint8_t *to = (uint8_t *)context + at;
    for (const uint8_t *from = bytes; length > 0; length--) {
        *to++ &= *from++;
    }
    return true;
}

void files_mount(const char *folder) {
    uint8_t *bytes = map_file(folder, "flash", (size_t)SECTORS * SECTOR_BYTES);
    const struct mote_flash mapped = {.bytes = bytes,
                                      .sector_bytes = SECTOR_BYTES,
                                      .sectors = SECTORS,
                                      .index_sectors = INDEX_SECTORS,
                                      .program_bytes = PROGRAM_BYTES,
                                      .erase = erase,
                                      .program = program,
                                      .context = bytes};
    flash = mapped;
    mote_flash_store_mount(&posix_files);
}
