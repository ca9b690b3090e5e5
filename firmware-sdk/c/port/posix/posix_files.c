#define _DEFAULT_SOURCE

#include "posix_files.h"

#include <string.h>

#include "mapping.h"

/* Flash of 8 MiB, of which only what is used takes memory or disk. */
enum { SECTOR_BYTES = 4096, INDEX_SECTORS = 4, SECTORS = 2048 };

static uint8_t used[SECTORS / 8];
static struct mote_flash flash;

struct mote_flash_store posix_files = {.flash = &flash, .used = used};

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
    const struct mote_flash mapped = {bytes, SECTOR_BYTES, SECTORS, INDEX_SECTORS,
                                      erase, program,      bytes};
    flash = mapped;
    mote_flash_store_mount(&posix_files);
}
