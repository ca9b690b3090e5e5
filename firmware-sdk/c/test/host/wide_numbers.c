/*
 * What takes more than 16 bits, where no message leads to it: row by row. Prints the rows that are wrong,
 * and ends with how many those are.
 */
#include <stdio.h>
#include <stdlib.h>

#include "mote/stream.h"
#include "stores/flash_layout.h"

static int failures;

static void expect(const char *what, int32_t at, int32_t expected, int32_t got) {
    if (got != expected) {
        failures++;
        printf("%s, %ld: expected %ld, got %ld\n", what, (long)at, (long)expected, (long)got);
    }
}

/* A code that is cut to fewer bits may be a success. */
static void exit_codes(void) {
    static const int32_t rows[][2] = {
        {0, 0},       {1, 1},       {254, 254},         {255, 255},       {256, 255},
        {257, 255},   {32768, 255}, {65536, 255},       {65537, 255},     {INT32_MAX, 255},
        {-1, -1},     {-32768, -1}, {-65536, -1},       {INT32_MIN, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mote_stream stream;
        mote_stream_end(&stream, MOTE_STATUS_OK, rows[i][0]);
        expect("exit code", rows[i][0], rows[i][1], stream.end_exit < 0 ? -1 : stream.end_exit);
    }
}

static uint32_t programmed, wrong;

static bool count_bytes(void *context, uint32_t at, const void *bytes, size_t length) {
    (void)context, (void)bytes;
    wrong += at != programmed;
    programmed += (uint32_t)length;
    return true;
}

/* The parts of files in sectors of 64 and 128 KiB, which move from one to another. */
static void parts(void) {
    static const int32_t rows[] = {0, 4, 65532, 65536, 65540, 131056};
    static const struct mote_flash flash = {
        .sector_bytes = 131072, .sectors = 3, .index_sectors = 1, .program_bytes = 4, .program = count_bytes};
    static uint32_t pages[MOTE_FLASH_PAGES(4)];
    static const struct mote_flash_store flash_store = {.flash = &flash, .pages = pages};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        programmed = wrong = 0;
        (void)!mote_flash_program(&flash_store, 0, NULL, (uint32_t)rows[i]);
        expect("bytes programmed", rows[i], rows[i], (int32_t)programmed);
        expect("pieces out of order", rows[i], 0, (int32_t)wrong);
    }
}

int main(void) {
    exit_codes();
    parts();
    return failures;
}
