#include "flash_emulator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct flash_emulator flash_emulator;

static uint8_t *memory;
static bool *programmed; /* of each granule */
static uint16_t granule_bytes;
static uint8_t *saved_memory;
static bool *saved_programmed;

static size_t memory_bytes(void) {
    return (size_t)flash_emulator.flash.sector_bytes * flash_emulator.flash.sectors;
}

static void fail(const char *what, uint32_t at, size_t length) {
    fprintf(stderr, "flash: %s, at %lu, %lu bytes\n", what, (unsigned long)at,
            (unsigned long)length);
    abort();
}

/* Any byte, the same for the same number; often one of all bits or of none. */
static uint8_t noise(uint32_t number) {
    number = (number + 0x6d2b79f5u) * 0x9e3779b1u;
    number ^= number >> 15;
    number *= 0x85ebca6bu;
    return number % 4 == 0 ? 0 : number % 4 == 1 ? 0xff : (uint8_t)(number >> 24);
}

/* What the power still does of two points: nothing, half, or all. */
static unsigned take_points(void) {
    struct flash_emulator *emulator = &flash_emulator;
    unsigned taken = emulator->points < 2 ? (unsigned)emulator->points : 2;
    if (emulator->points != FLASH_POWERED) {
        emulator->points -= taken;
    }
    emulator->spent += taken;
    return taken;
}

static bool erase(void *context, uint32_t at) {
    const struct mote_flash *flash = &flash_emulator.flash;
    (void)context;
    if (at % flash->sector_bytes != 0 || at / flash->sector_bytes >= flash->sectors) {
        fail("an erasure that begins at no sector", at, 0);
    }
    unsigned taken = take_points();
    if (taken == 0) {
        return true;
    }
    flash_emulator.erases[at / flash->sector_bytes]++;
    for (uint32_t i = at; i < at + flash->sector_bytes; i++) {
        memory[i] = taken == 2 ? 0xff : memory[i] | noise(i);
    }
    if (taken == 2) {
        memset(programmed + at / granule_bytes, 0, (size_t)flash->sector_bytes / granule_bytes);
    }
    return true;
}

static void program_granule(uint32_t at, const uint8_t *bytes, unsigned taken) {
    for (uint32_t i = 0; i < granule_bytes; i++) {
        uint8_t kept = taken == 2 ? 0 : noise(at + i);
        uint8_t now = memory[at + i] & (bytes[i] | kept);
        /* A granule that kept all of its bits does not show that its programming began. */
        programmed[at / granule_bytes] |= taken == 2 || now != memory[at + i];
        memory[at + i] = now;
    }
}

static bool program(void *context, uint32_t at, const void *bytes, size_t length) {
    const uint8_t *from = bytes;
    (void)context;
    if (at % granule_bytes != 0 || length % granule_bytes != 0) {
        fail("programmed in other pieces than granules", at, length);
    }
    if (at + length > memory_bytes()) {
        fail("programmed beyond its end", at, length);
    }
    if (from >= memory && from < memory + memory_bytes()) {
        fail("programmed from itself", at, length);
    }
    for (; length > 0; length -= granule_bytes, at += granule_bytes, from += granule_bytes) {
        unsigned taken = take_points();
        if (taken > 0 && programmed[at / granule_bytes]) {
            fail("programmed twice", at, length);
        }
        if (taken > 0) {
            program_granule(at, from, taken);
        }
    }
    return true;
}

void flash_emulator_save(void) {
    memcpy(saved_memory, memory, memory_bytes());
    memcpy(saved_programmed, programmed, memory_bytes() / granule_bytes);
}

void flash_emulator_restore(void) {
    memcpy(memory, saved_memory, memory_bytes());
    memcpy(programmed, saved_programmed, memory_bytes() / granule_bytes);
}

void flash_emulator_start(uint32_t sector_bytes, uint16_t sectors, uint16_t index_sectors,
                          uint16_t granule) {
    const size_t bytes = (size_t)sector_bytes * sectors;
    free(memory);
    free(programmed);
    free(saved_memory);
    free(saved_programmed);
    free(flash_emulator.erases);
    granule_bytes = granule ? granule : 1;
    memory = malloc(bytes);
    memset(memory, 0xff, bytes);
    programmed = calloc(bytes / granule_bytes, sizeof *programmed);
    saved_memory = malloc(bytes);
    saved_programmed = calloc(bytes / granule_bytes, sizeof *programmed);
    flash_emulator.erases = calloc(sectors, sizeof *flash_emulator.erases);
    const struct mote_flash flash = {.bytes = memory,
                                     .sector_bytes = sector_bytes,
                                     .sectors = sectors,
                                     .index_sectors = index_sectors,
                                     .program_bytes = granule,
                                     .erase = erase,
                                     .program = program};
    flash_emulator.flash = flash;
    flash_emulator.points = FLASH_POWERED;
    flash_emulator.spent = 0;
}
