/*
 * The flash store on the strict flash of flash_emulator.h, for flash.test.ts: one request a line on
 * stdin, one answer a line on stdout. Built with sanitizers.
 *
 *   flash SECTOR_BYTES SECTORS INDEX_SECTORS GRANULE
 *                   → "ok": new flash, with nothing in it
 *   cut CHANGE BYTES → "before N after M": what is there after the power went at each point of it; on
 *                     new flash
 *   at once COUNT   → the status of each: files that are written at a time
 *   wear BOOTS BYTES SETTLED
 *                   → erasures of each sector: SETTLED files of one part each that stay, then a
 *                     file of BYTES bytes that is replaced once a boot
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flash_emulator.h"

/* On the heap, exactly as long as the store asks for, so that a sanitizer sees each overrun. */
static uint8_t *used;
static uint32_t *pages;
static struct mote_flash_store store;
static const struct mote_file_store *const files = &mote_flash_store;

static void fail(const char *what, unsigned long at) {
    fprintf(stderr, "flash-driver: %s, at %lu\n", what, at);
    abort();
}

static void begin(uint32_t sector_bytes, uint16_t sectors, uint16_t index_sectors,
                  uint16_t granule) {
    flash_emulator_start(sector_bytes, sectors, index_sectors, granule);
    free(used);
    free(pages);
    used = malloc((sectors + 7u) / 8u);
    pages = malloc(sizeof *pages * MOTE_FLASH_PAGES(granule ? granule : 1u));
}

static void mount(void) {
    memset(&store, 0, sizeof store);
    store.flash = &flash_emulator.flash;
    store.used = used;
    store.pages = pages;
    mote_flash_store_mount(&store);
}

/* Byte `at` of a content. */
static uint8_t content(unsigned seed, uint32_t at) {
    return (uint8_t)(seed * 31u + at * 7u + at / 251u);
}

/* Writes a file in pieces of 100 bytes, as streams bring them. */
static enum mote_status write(const char *path, unsigned seed, uint32_t length) {
    static const struct mote_file_info info = {0, 1, 2, 0644, MOTE_FILE_TYPE_FILE};
    struct mote_file file;
    enum mote_status status = files->create(&store, MOTE_FILE_UNKNOWN, &file);
    while (status == MOTE_STATUS_OK && file.at < length) {
        uint8_t piece[100];
        uint32_t count = length - file.at < sizeof piece ? length - file.at : sizeof piece;
        for (uint32_t i = 0; i < count; i++) {
            piece[i] = content(seed, file.at + i);
        }
        status = files->append(&store, &file, piece, count);
    }
    if (status == MOTE_STATUS_OK) {
        status = files->commit(&store, &file, path, &info);
    }
    if (status != MOTE_STATUS_OK) {
        files->abandon(&store, &file);
    }
    return status;
}

/* Whether a file has this content, whole. */
static bool has(const char *path, unsigned seed, uint32_t length) {
    struct mote_file file;
    if (files->open(&store, path, &file) != MOTE_STATUS_OK || file.size != length) {
        return false;
    }
    while (file.at < length) {
        uint8_t piece[64];
        uint32_t at = file.at, count = length - at < sizeof piece ? length - at : sizeof piece;
        if (files->read(&store, &file, piece, count) != MOTE_STATUS_OK) {
            return false;
        }
        for (uint32_t i = 0; i < count; i++) {
            if (piece[i] != content(seed, at + i)) {
                return false;
            }
        }
    }
    return true;
}

static void wear(unsigned boots, uint32_t bytes, unsigned settled) {
    char path[24];
    mount();
    for (unsigned i = 0; i < settled; i++) {
        snprintf(path, sizeof path, "/settled%u", i);
        if (write(path, i, 100) != MOTE_STATUS_OK) {
            fail("no room for a settled file", i);
        }
    }
    for (unsigned boot = 0; boot < boots; boot++) {
        mount();
        if (write("/log", boot, bytes) != MOTE_STATUS_OK || !has("/log", boot, bytes)) {
            fail("a boot could not write its file", boot);
        }
    }
    mount();
    for (unsigned i = 0; i < settled; i++) {
        snprintf(path, sizeof path, "/settled%u", i);
        if (!has(path, i, 100)) {
            fail("a settled file is not what it was", i);
        }
    }
    for (unsigned i = 0; i < flash_emulator.flash.sectors; i++) {
        printf("%s%u", i ? " " : "", (unsigned)flash_emulator.erases[i]);
    }
    printf("\n");
}

/* What is changed while the power goes; all of them find /dir/file and /other. */
enum change { REPLACE, REMOVE, RENAME, COMPACT, LEVEL, CHANGES };
static const char *const changes[] = {"replace", "remove", "rename", "compact", "level"};
static const char path[] = "/dir/file";
static uint32_t file_bytes;

static enum mote_status make_change(enum change change) {
    return change == REMOVE   ? files->remove(&store, path)
           : change == RENAME ? files->rename(&store, "/other", path)
                              : write(path, 2, file_bytes);
}

/* Whether a change moves the index to its other copy, or a file that stays to another sector. */
static bool is_seen(enum change change) {
    struct mote_file file = {0, 0, 0, 0};
    uint32_t number = store.number;
    uint8_t byte;
    uint16_t place;
    if (change < COMPACT) {
        return true;
    }
    (void)files->open(&store, "/other", &file);
    (void)files->read(&store, &file, &byte, 1);
    place = file.place;
    (void)make_change(change);
    if (change == COMPACT) {
        return store.number != number;
    }
    (void)files->open(&store, "/other", &file);
    (void)files->read(&store, &file, &byte, 1);
    return file.place != place;
}

/* Flash as it is before a change: one that moves something comes only after many others. */
static void prepare(enum change change) {
    mount();
    if (write("/other", 3, 40) != MOTE_STATUS_OK || write(path, 1, file_bytes) != MOTE_STATUS_OK) {
        fail("no room for the files", 0);
    }
    for (unsigned tries = 0; tries < 100000; tries++) {
        flash_emulator_save();
        if (is_seen(change)) {
            flash_emulator_restore();
            return;
        }
        if (write(path, 1, file_bytes) != MOTE_STATUS_OK) {
            fail("no room for a file", tries);
        }
    }
    fail("nothing moves", change);
}

/* What a mount finds where the power went in a change. True: the change is there. */
static bool is_after(enum change change, unsigned long at) {
    bool after = change == REMOVE   ? !has(path, 1, file_bytes)
                 : change == RENAME ? has(path, 3, 40)
                                    : has(path, 2, file_bytes);
    struct mote_file file;
    if (change == REMOVE && after && files->open(&store, path, &file) != MOTE_STATUS_NOT_FOUND) {
        fail("a half removed file", at);
    }
    if (!after && !has(path, 1, file_bytes)) {
        fail("neither the file before nor the one after", at);
    }
    if (has("/other", 3, 40) != (change != RENAME || !after)) {
        fail("another file is not as it was", at);
    }
    return after;
}

/* Nothing is lost of the room: each file has the sectors that it needs, and no more. */
static void check_room(unsigned long at) {
    static const char *const paths[] = {path, "/other", "/next"};
    const struct mote_flash *flash = &flash_emulator.flash;
    uint32_t total, left, count, sectors = 0;
    files->room(&store, &total, &left, &count);
    uint32_t part = total / (flash->sectors - 2u * flash->index_sectors);
    for (unsigned i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct mote_file_info info;
        if (files->stat(&store, paths[i], &info) == MOTE_STATUS_OK) {
            sectors += (info.size + part - 1) / part;
            count--;
        }
    }
    if (count != 0 || left != total - sectors * part) {
        fail("room is lost", at);
    }
}

/* Takes the power away at each point of a change, and at one of what follows it. */
static void cut(enum change change) {
    unsigned long before = 0, after = 0;
    prepare(change);
    for (unsigned long at = 0;; at++) {
        flash_emulator_restore();
        mount();
        flash_emulator.points = at;
        enum mote_status status = make_change(change);
        bool is_whole = flash_emulator.points > 0;
        if (is_whole && status != MOTE_STATUS_OK) {
            fail("a change that nothing disturbed failed", at);
        }
        /* The power goes a second time, when it has just come back. */
        flash_emulator.points = at * 7 % 61;
        mount();
        (void)write("/next", 4, 50);
        flash_emulator.points = FLASH_POWERED;
        mount();
        bool is_there = is_after(change, at);
        before += !is_there;
        after += is_there;
        if (write("/next", 5, 60) != MOTE_STATUS_OK) {
            fail("no file can be written any more", at);
        }
        mount();
        if (is_after(change, at) != is_there || !has("/next", 5, 60)) {
            fail("a file is not what it was before the mount", at);
        }
        check_room(at);
        if (is_whole) {
            break;
        }
    }
    printf("before %lu after %lu\n", before, after);
}

/* Writes files at a time, in turns of seven bytes, and tells how each ended. */
static void write_at_once(unsigned count) {
    static const struct mote_file_info info = {0, 1, 2, 0644, MOTE_FILE_TYPE_FILE};
    enum { MOST = 8, TURNS = 100, TURN_BYTES = 7 };
    struct mote_file written[MOST];
    enum mote_status status[MOST];
    char name[24];
    mount();
    for (unsigned i = 0; i < count; i++) {
        status[i] = files->create(&store, TURNS * TURN_BYTES, &written[i]);
    }
    for (unsigned turn = 0; turn < TURNS; turn++) {
        for (unsigned i = 0; i < count; i++) {
            uint8_t piece[TURN_BYTES];
            for (unsigned j = 0; j < TURN_BYTES; j++) {
                piece[j] = content(i, turn * TURN_BYTES + j);
            }
            if (status[i] == MOTE_STATUS_OK) {
                status[i] = files->append(&store, &written[i], piece, sizeof piece);
            }
        }
    }
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof name, "/%u", i);
        if (status[i] == MOTE_STATUS_OK) {
            status[i] = files->commit(&store, &written[i], name, &info);
        } else {
            files->abandon(&store, &written[i]);
        }
    }
    mount();
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof name, "/%u", i);
        if (has(name, i, TURNS * TURN_BYTES) != (status[i] == MOTE_STATUS_OK)) {
            fail("a file is not what was said of it", i);
        }
        printf("%s%u", i ? " " : "", (unsigned)status[i]);
    }
    if (write("/after", 9, 100) != MOTE_STATUS_OK) {
        fail("a page was not given back", 0);
    }
    printf("\n");
}

int main(void) {
    char line[256];
    while (fgets(line, sizeof line, stdin)) {
        char word[16];
        unsigned a, b, c, d;
        if (sscanf(line, "flash %u %u %u %u", &a, &b, &c, &d) == 4) {
            begin(a, (uint16_t)b, (uint16_t)c, (uint16_t)d);
            printf("ok\n");
        } else if (sscanf(line, "cut %15s %u", word, &file_bytes) == 2) {
            unsigned change = 0;
            while (change < CHANGES && strcmp(word, changes[change]) != 0) {
                change++;
            }
            if (change == CHANGES) {
                fail("no change of that name", 0);
            }
            cut((enum change)change);
        } else if (sscanf(line, "at once %u", &a) == 1 && a <= 8) {
            write_at_once(a);
        } else if (sscanf(line, "wear %u %u %u", &a, &b, &c) == 3) {
            wear(a, b, c);
        } else {
            printf("what?\n");
        }
        fflush(stdout);
    }
    return 0;
}
