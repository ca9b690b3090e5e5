#include "flash_index.h"

#include <string.h>

#include "flash_sectors.h"

/* What a record takes in the index, with its mark. */
static uint32_t entry_bytes(const struct mote_flash *flash,
                            const struct mote_flash_record *record) {
    return mote_flash_unit_bytes(flash) + mote_flash_to_units(flash, record->length);
}

/* The record of the entry at `at`. */
static const struct mote_flash_record *record_at(const struct mote_flash_store *store,
                                                 uint32_t at) {
    const uint8_t *bytes = store->flash->bytes + at + mote_flash_unit_bytes(store->flash);
    return (const struct mote_flash_record *)(const void *)bytes;
}

/* Where the entry of a record begins. */
static uint32_t entry_of(const struct mote_flash_store *store,
                         const struct mote_flash_record *record) {
    return (uint32_t)((const uint8_t *)record - store->flash->bytes) -
           mote_flash_unit_bytes(store->flash);
}

/* Whether a record counts: any bit of its mark that is not erased says no. */
static bool is_alive(const struct mote_flash_store *store, const struct mote_flash_record *record) {
    const uint8_t *mark = store->flash->bytes + entry_of(store, record);
    while (mark < (const uint8_t *)record && *mark == 0xff) {
        mark++;
    }
    return mark == (const uint8_t *)record;
}

void mote_flash_index_kill(const struct mote_flash_store *store,
                           const struct mote_flash_record *record) {
    (void)!mote_flash_program(store, entry_of(store, record), NULL,
                              mote_flash_unit_bytes(store->flash));
}

const struct mote_flash_record *mote_flash_index_next(const struct mote_flash_store *store,
                                                      const struct mote_flash_record *record) {
    const struct mote_flash *flash = store->flash;
    uint32_t at = store->index_at + mote_flash_to_units(flash, sizeof(struct mote_flash_header));
    if (record) {
        at = entry_of(store, record) + entry_bytes(flash, record);
    }
    for (; at < store->end; at += entry_bytes(flash, record)) {
        record = record_at(store, at);
        if (is_alive(store, record)) {
            return record;
        }
    }
    return NULL;
}

struct mote_flash_place mote_flash_index_find(const struct mote_flash_store *store,
                                              const char *path) {
    struct mote_flash_place place = {NULL, path[1] == '\0', false};
    size_t length = strlen(path);
    for (const struct mote_flash_record *record = mote_flash_index_next(store, NULL); record;
         record = mote_flash_index_next(store, record)) {
        size_t other = strlen(record->path), min = other < length ? other : length;
        if (strncmp(record->path, path, min) != 0) {
            continue;
        }
        if (other == length) {
            place.file = record;
        } else if (other > length) {
            place.is_directory |= record->path[length] == '/';
        } else {
            place.is_below_file |= path[other] == '/';
        }
    }
    return place;
}

const struct mote_flash_record *mote_flash_index_find_id(const struct mote_flash_store *store,
                                                         uint32_t id) {
    const struct mote_flash_record *record = mote_flash_index_next(store, NULL);
    while (record && record->of.id != id) {
        record = mote_flash_index_next(store, record);
    }
    return record;
}

/* Walks the index of a copy to its end, and kills what a reset left alive twice. */
static void read_index(struct mote_flash_store *store) {
    const struct mote_flash *flash = store->flash;
    uint32_t unit = mote_flash_unit_bytes(flash),
             limit = store->index_at + mote_flash_index_bytes(flash);
    uint32_t at = store->index_at + mote_flash_to_units(flash, sizeof(struct mote_flash_header));
    store->full = false;
    for (;;) {
        const struct mote_flash_record *record = record_at(store, at);
        if (at + unit + MOTE_FLASH_RECORD_HEAD >= limit || record->length == MOTE_FLASH_ERASED) {
            break;
        }
        if (record->length < MOTE_FLASH_RECORD_HEAD || record->length > limit - at - unit ||
            record->length % 4 ||
            record->crc != mote_flash_crc((const uint8_t *)record + MOTE_FLASH_CRC_FROM,
                                          record->length - MOTE_FLASH_CRC_FROM)) {
            store->full = true;
            break;
        }
        store->end = at;
        if (is_alive(store, record)) {
            const struct mote_flash_record *same = mote_flash_index_find(store, record->path).file;
            if (same) {
                mote_flash_index_kill(store, same);
            }
            for (same = mote_flash_index_next(store, NULL); same;
                 same = mote_flash_index_next(store, same)) {
                if (same->of.id == record->of.id) {
                    mote_flash_index_kill(store, same);
                }
            }
        }
        if (record->of.id >= store->next_id) {
            store->next_id = record->of.id + 1;
        }
        at += entry_bytes(flash, record);
    }
    store->end = at;
    /* A record whose head was not written yet may have left bytes. */
    for (; at < limit; at++) {
        store->full = store->full || flash->bytes[at] != 0xff;
    }
}

bool mote_flash_index_mount(struct mote_flash_store *store) {
    const struct mote_flash *flash = store->flash;
    uint32_t copy_bytes = mote_flash_index_bytes(flash);
    store->next_id = 1;
    store->number = 0;
    store->end = 0;
    for (uint32_t at = 0; at < 2 * copy_bytes; at += copy_bytes) {
        const struct mote_flash_header *header =
            (const struct mote_flash_header *)(const void *)(flash->bytes + at);
        if (header->magic == MOTE_FLASH_MAGIC &&
            header->crc == mote_flash_crc(header, offsetof(struct mote_flash_header, crc)) &&
            header->number > store->number) {
            store->number = header->number;
            store->index_at = at;
        }
    }
    if (store->number == 0) {
        return false;
    }
    read_index(store);
    return true;
}

/* Moves the living records to the other copy. */
static bool compact(struct mote_flash_store *store) {
    const struct mote_flash *flash = store->flash;
    uint32_t to = store->number && store->index_at == 0 ? mote_flash_index_bytes(flash) : 0;
    uint32_t at = to + mote_flash_to_units(flash, sizeof(struct mote_flash_header));
    struct mote_flash_header header = {MOTE_FLASH_MAGIC, store->number + 1, 0, MOTE_FLASH_ERASED};
    bool done = true;
    for (unsigned i = 0; i < flash->index_sectors; i++) {
        done = done && flash->erase(flash->context, to + i * flash->sector_bytes);
    }
    for (const struct mote_flash_record *record = mote_flash_index_next(store, NULL); record;
         record = mote_flash_index_next(store, record)) {
        done = done &&
               mote_flash_program(store, at + mote_flash_unit_bytes(flash), record, record->length);
        at += entry_bytes(flash, record);
    }
    header.crc = mote_flash_crc(&header, offsetof(struct mote_flash_header, crc));
    if (!done || !mote_flash_program(store, to, &header, sizeof header)) {
        return false;
    }
    store->number = header.number;
    store->index_at = to;
    store->end = at;
    store->full = false;
    return true;
}

static bool has_room(const struct mote_flash_store *store, uint32_t length) {
    return store->number != 0 && !store->full &&
           store->end + length <= store->index_at + mote_flash_index_bytes(store->flash);
}

enum mote_status mote_flash_index_put(struct mote_flash_store *store,
                                      const struct mote_flash_details *of, const char *path) {
    const struct mote_flash *flash = store->flash;
    size_t length = strlen(path);
    uint32_t unit = mote_flash_unit_bytes(flash),
             entry = unit + mote_flash_to_units(flash, MOTE_FLASH_RECORD_HEAD + length + 1);
    if (!has_room(store, entry) && (!compact(store) || !has_room(store, entry))) {
        return MOTE_STATUS_RESOURCE_EXHAUSTED;
    }
    /* Where pieces are made that are programmed; all of a record is one. */
    struct mote_flash_record *record = (struct mote_flash_record *)(void *)store->pages;
    memset(record, 0xff, (size_t)(entry - unit));
    record->length = (uint16_t)((MOTE_FLASH_RECORD_HEAD + length + 4) & ~3u);
    record->of = *of;
    memset(record->path, 0, record->length - MOTE_FLASH_RECORD_HEAD);
    memcpy(record->path, path, length);
    record->crc = mote_flash_crc(&record->of, record->length - MOTE_FLASH_CRC_FROM);
    /* The unit with length and checksum is written last: before it, the index ends here. */
    uint32_t at = store->end + unit;
    if ((entry > 2 * unit &&
         !flash->program(flash->context, at + unit, (const uint8_t *)record + unit,
                         (size_t)(entry - 2 * unit))) ||
        !flash->program(flash->context, at, record, (size_t)unit)) {
        store->full = true;
        return MOTE_STATUS_INTERNAL;
    }
    for (const struct mote_flash_record *other = mote_flash_index_next(store, NULL); other;
         other = mote_flash_index_next(store, other)) {
        if (other->of.id == of->id) {
            mote_flash_index_kill(store, other);
        } else if (strcmp(other->path, path) == 0) {
            mote_flash_index_kill(store, other);
            mote_flash_sectors_release(store, other->of.id);
        }
    }
    store->end += entry;
    return MOTE_STATUS_OK;
}
