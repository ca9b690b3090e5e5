#include "mote/flash_store.h"

#include <string.h>

#include "mote/crc16.h"

#define MAGIC 0x6d746633u /* "mtf3" */
#define ERASED 0xffffu

/* Of the index. Each of its fields stands at a multiple of its size. */
struct header {
    uint32_t magic;
    uint32_t number;
    uint16_t crc; /* of the two above */
    uint16_t erased;
};

struct details {
    uint32_t id;
    uint32_t size;
    uint32_t modified_s;
    uint16_t modified_ms;
    uint16_t mode;
};

/* In front of each lies its mark, a unit that is erased for as long as the record lives. */
struct record {
    uint16_t length; /* a multiple of 4; ERASED: the index ends before it */
    uint16_t crc;    /* of what follows it */
    struct details of;
    char path[MOTE_FILE_NAME_BYTES + 4]; /* with one to four NULs */
};

enum { RECORD_HEAD = offsetof(struct record, path), CRC_FROM = offsetof(struct record, of) };

/* Of a data sector. */
struct sector {
    uint32_t id;
    uint32_t erases; /* of this sector, in all */
    uint16_t index;  /* which part of the file it has */
    uint16_t crc;    /* of the three above */
};

/* How many more times a sector may have been erased than one whose file does not change. */
enum { MOST_AHEAD = 16 };

static uint16_t crc_of(const void *bytes, size_t length) {
    const uint8_t *at = bytes;
    uint16_t crc = 0;
    while (length-- > 0) {
        crc = mote_crc16_update(crc, *at++);
    }
    return crc;
}

static uint32_t index_bytes(const struct mote_flash *flash) {
    return flash->index_sectors * flash->sector_bytes;
}

/* What is programmed at a time. */
static uint32_t granule_bytes(const struct mote_flash *flash) {
    return flash->program_bytes ? flash->program_bytes : 1;
}

/* What begins a granule, and can be read in place: both are powers of two. */
static uint32_t unit_bytes(const struct mote_flash *flash) {
    return flash->program_bytes > 4 ? flash->program_bytes : 4;
}

static uint32_t to_units(const struct mote_flash *flash, size_t length) {
    uint32_t unit = unit_bytes(flash);
    return ((uint32_t)length + unit - 1) & ~(unit - 1);
}

static uint32_t head_bytes(const struct mote_flash *flash) {
    return to_units(flash, sizeof(struct sector));
}

static uint32_t part_bytes(const struct mote_flash *flash) {
    return flash->sector_bytes - head_bytes(flash);
}

/* What a record takes in the index, with its mark. */
static uint32_t entry_bytes(const struct mote_flash *flash, const struct record *record) {
    return unit_bytes(flash) + to_units(flash, record->length);
}

/* The record of the entry at `at`. */
static const struct record *record_at(const struct mote_flash_store *store, uint32_t at) {
    const uint8_t *bytes = store->flash->bytes + at + unit_bytes(store->flash);
    return (const struct record *)(const void *)bytes;
}

/* Where the entry of a record begins. */
static uint32_t entry_of(const struct mote_flash_store *store, const struct record *record) {
    return (uint32_t)((const uint8_t *)record - store->flash->bytes) - unit_bytes(store->flash);
}

/* Whether a record counts: any bit of its mark that is not erased says no. */
static bool is_alive(const struct mote_flash_store *store, const struct record *record) {
    const uint8_t *mark = store->flash->bytes + entry_of(store, record);
    while (mark < (const uint8_t *)record && *mark == 0xff) {
        mark++;
    }
    return mark == (const uint8_t *)record;
}

static const struct sector *sector_at(const struct mote_flash_store *store, unsigned number) {
    return (const struct sector *)(const void *)(store->flash->bytes +
                                                 number * store->flash->sector_bytes);
}

/*
 * Programs bytes (NULL: zeros), filled up with erased ones to whole granules. They go by way of RAM: they
 * may lie in flash, also in this one.
 */
static bool program(const struct mote_flash_store *store, uint32_t at, const void *bytes,
                    uint32_t length) {
    const struct mote_flash *flash = store->flash;
    const uint8_t *from = bytes;
    while (length > 0) {
        size_t granule = (size_t)granule_bytes(flash), most = MOTE_FLASH_PIECE(granule);
        size_t count = length < most ? (size_t)length : most;
        memset(store->pages, from ? 0xff : 0, most);
        if (from) {
            memcpy(store->pages, from, count);
            from += count;
        }
        length -= (uint32_t)count;
        count = (count + granule - 1) & ~(granule - 1);
        if (!flash->program(flash->context, at, store->pages, count)) {
            return false;
        }
        at += (uint32_t)count;
    }
    return true;
}

/* The page of a file that is being written, where bytes wait that are no granule yet; NULL: all are in
 * use. */
static uint8_t *page_of(struct mote_flash_store *store, uint32_t id) {
    unsigned page = MOTE_JOBS;
    for (unsigned i = 0; i < MOTE_JOBS; i++) {
        if (store->writers[i] == id) {
            page = i;
            break;
        }
        page = store->writers[i] == 0 ? i : page;
    }
    if (page == MOTE_JOBS) {
        return NULL;
    }
    store->writers[page] = id;
    uint32_t granule = granule_bytes(store->flash);
    return (uint8_t *)store->pages + MOTE_FLASH_PIECE(granule) + page * granule;
}

static void give_page_back(struct mote_flash_store *store, uint32_t id) {
    for (unsigned i = 0; i < MOTE_JOBS; i++) {
        store->writers[i] = store->writers[i] == id ? 0 : store->writers[i];
    }
}

static void kill(const struct mote_flash_store *store, const struct record *record) {
    (void)program(store, entry_of(store, record), NULL, unit_bytes(store->flash));
}

/* The living record that follows one, or with NULL the first one; NULL: there is none. */
static const struct record *next_record(const struct mote_flash_store *store,
                                        const struct record *record) {
    const struct mote_flash *flash = store->flash;
    uint32_t at = store->index_at + to_units(flash, sizeof(struct header));
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

static const uint8_t *part_at(const struct mote_flash_store *store, unsigned sector) {
    return (const uint8_t *)sector_at(store, sector) + head_bytes(store->flash);
}

/* What is at a path, and on the way to it. */
struct place {
    const struct record *file;
    bool is_directory;
    bool is_below_file;
};

static struct place find(const struct mote_flash_store *store, const char *path) {
    struct place place = {NULL, path[1] == '\0', false};
    size_t length = strlen(path);
    for (const struct record *record = next_record(store, NULL); record;
         record = next_record(store, record)) {
        size_t other = strlen(record->path), least = other < length ? other : length;
        if (strncmp(record->path, path, least) != 0) {
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

static bool is_used(const struct mote_flash_store *store, unsigned sector) {
    return (store->used[sector / 8] >> sector % 8 & 1) != 0;
}

static unsigned first_data(const struct mote_flash_store *store) {
    return 2u * store->flash->index_sectors;
}

static bool is_whole(const struct sector *sector) {
    return sector->crc == crc_of(sector, offsetof(struct sector, crc));
}

/* The sector with a part of a file, looked for from one on; 0: there is none. */
static unsigned find_part(const struct mote_flash_store *store, uint32_t id, uint32_t index,
                          unsigned from) {
    unsigned first = first_data(store), count = store->flash->sectors - first;
    for (unsigned left = count; left > 0; left--, from++) {
        if (from < first || from >= store->flash->sectors) {
            from = first;
        }
        const struct sector *sector = sector_at(store, from);
        if (is_used(store, from) && sector->id == id && sector->index == index &&
            is_whole(sector)) {
            return from;
        }
    }
    return 0;
}

static void mark_used(const struct mote_flash_store *store, unsigned sector) {
    store->used[sector / 8] = (uint8_t)(store->used[sector / 8] | 1u << sector % 8);
}

static void mark_free(const struct mote_flash_store *store, unsigned sector) {
    store->used[sector / 8] = (uint8_t)(store->used[sector / 8] & ~(1u << sector % 8));
}

static void release(struct mote_flash_store *store, uint32_t id) {
    for (unsigned i = first_data(store); i < store->flash->sectors; i++) {
        if (is_used(store, i) && sector_at(store, i)->id == id && is_whole(sector_at(store, i))) {
            mark_free(store, i);
        }
    }
}

/* A reset while a part moved may have left it twice: the worn sector keeps it. */
static void drop_twins(struct mote_flash_store *store, const struct record *record) {
    uint32_t part = part_bytes(store->flash), size = record->of.size;
    uint32_t left = size / part + (size % part != 0);
    for (unsigned i = first_data(store); i < store->flash->sectors; i++) {
        left -= is_used(store, i) && sector_at(store, i)->id == record->of.id;
    }
    for (unsigned i = first_data(store); left != 0 && i < store->flash->sectors; i++) {
        const struct sector *sector = sector_at(store, i);
        if (!is_used(store, i) || sector->id != record->of.id) {
            continue;
        }
        unsigned twin = find_part(store, record->of.id, sector->index, i + 1);
        if (twin != i) {
            mark_free(store, sector_at(store, twin)->erases > sector->erases ? i : twin);
        }
    }
}

/* The living record of an id, or NULL. */
static const struct record *find_id(const struct mote_flash_store *store, uint32_t id) {
    const struct record *record = next_record(store, NULL);
    while (record && record->of.id != id) {
        record = next_record(store, record);
    }
    return record;
}

/* Walks the index of a copy to its end, and kills what a reset left alive twice. */
static void read_index(struct mote_flash_store *store) {
    const struct mote_flash *flash = store->flash;
    uint32_t unit = unit_bytes(flash), limit = store->index_at + index_bytes(flash);
    uint32_t at = store->index_at + to_units(flash, sizeof(struct header));
    store->full = false;
    for (;;) {
        const struct record *record = record_at(store, at);
        if (at + unit + RECORD_HEAD >= limit || record->length == ERASED) {
            break;
        }
        if (record->length < RECORD_HEAD || record->length > limit - at - unit ||
            record->length % 4 ||
            record->crc != crc_of((const uint8_t *)record + CRC_FROM, record->length - CRC_FROM)) {
            store->full = true;
            break;
        }
        store->end = at;
        if (is_alive(store, record)) {
            const struct record *same = find(store, record->path).file;
            if (same) {
                kill(store, same);
            }
            for (same = next_record(store, NULL); same; same = next_record(store, same)) {
                if (same->of.id == record->of.id) {
                    kill(store, same);
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

void mote_flash_store_mount(struct mote_flash_store *store) {
    const struct mote_flash *flash = store->flash;
    store->next_id = 1;
    store->number = 0;
    store->end = 0;
    memset(store->used, 0, (flash->sectors + 7u) / 8u);
    memset(store->writers, 0, sizeof store->writers);
    for (uint32_t at = 0; at < 2 * index_bytes(flash); at += index_bytes(flash)) {
        const struct header *header = (const struct header *)(const void *)(flash->bytes + at);
        if (header->magic == MAGIC && header->crc == crc_of(header, offsetof(struct header, crc)) &&
            header->number > store->number) {
            store->number = header->number;
            store->index_at = at;
        }
    }
    if (store->number == 0) {
        return;
    }
    read_index(store);
    for (unsigned i = first_data(store); i < flash->sectors; i++) {
        const struct sector *sector = sector_at(store, i);
        if (!is_whole(sector)) {
            continue;
        }
        if (find_id(store, sector->id)) {
            mark_used(store, i);
        }
        /* An id that a reset kept from its record is not given again. */
        if (sector->id >= store->next_id) {
            store->next_id = sector->id + 1;
        }
    }
    for (const struct record *record = next_record(store, NULL); record;
         record = next_record(store, record)) {
        drop_twins(store, record);
    }
}

/* Moves the living records to the other copy. */
static bool compact(struct mote_flash_store *store) {
    const struct mote_flash *flash = store->flash;
    uint32_t to = store->number && store->index_at == 0 ? index_bytes(flash) : 0;
    uint32_t at = to + to_units(flash, sizeof(struct header));
    struct header header = {MAGIC, store->number + 1, 0, ERASED};
    bool done = true;
    for (unsigned i = 0; i < flash->index_sectors; i++) {
        done = done && flash->erase(flash->context, to + i * flash->sector_bytes);
    }
    for (const struct record *record = store->number ? next_record(store, NULL) : NULL; record;
         record = next_record(store, record)) {
        done = done && program(store, at + unit_bytes(flash), record, record->length);
        at += entry_bytes(flash, record);
    }
    header.crc = crc_of(&header, offsetof(struct header, crc));
    if (!done || !program(store, to, &header, sizeof header)) {
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
           store->end + length <= store->index_at + index_bytes(store->flash);
}

/* Adds a record: its path is there with it, and any other record of the same path or id is dead. */
static enum mote_status put(struct mote_flash_store *store, const struct details *of,
                            const char *path) {
    const struct mote_flash *flash = store->flash;
    size_t length = strlen(path);
    uint32_t unit = unit_bytes(flash), entry = unit + to_units(flash, RECORD_HEAD + length + 1);
    if (!has_room(store, entry) && (!compact(store) || !has_room(store, entry))) {
        return MOTE_STATUS_RESOURCE_EXHAUSTED;
    }
    /* Where pieces are made that are programmed; all of a record is one. */
    struct record *record = (struct record *)(void *)store->pages;
    memset(record, 0xff, (size_t)(entry - unit));
    record->length = (uint16_t)((RECORD_HEAD + length + 4) & ~3u);
    record->of = *of;
    memset(record->path, 0, record->length - RECORD_HEAD);
    memcpy(record->path, path, length);
    record->crc = crc_of(&record->of, record->length - CRC_FROM);
    /* The unit with length and checksum is written last: before it, the index ends here. */
    uint32_t at = store->end + unit;
    if ((entry > 2 * unit &&
         !flash->program(flash->context, at + unit, (const uint8_t *)record + unit,
                         (size_t)(entry - 2 * unit))) ||
        !flash->program(flash->context, at, record, (size_t)unit)) {
        store->full = true;
        return MOTE_STATUS_INTERNAL;
    }
    for (const struct record *other = next_record(store, NULL); other;
         other = next_record(store, other)) {
        if (other->of.id == of->id) {
            kill(store, other);
        } else if (strcmp(other->path, path) == 0) {
            kill(store, other);
            release(store, other->of.id);
        }
    }
    store->end += entry;
    return MOTE_STATUS_OK;
}

static void describe(const struct record *record, struct mote_file_info *info) {
    info->type = MOTE_FILE_TYPE_FILE;
    info->size = record->of.size;
    info->mode = record->of.mode;
    info->modified_s = record->of.modified_s;
    info->modified_ms = record->of.modified_ms;
}

static void describe_directory(struct mote_file_info *info) {
    memset(info, 0, sizeof *info);
    info->type = MOTE_FILE_TYPE_DIRECTORY;
    info->mode = MOTE_FILE_DIRECTORY_MODE;
    info->modified_s = MOTE_FILE_UNKNOWN;
}

static enum mote_status stat(void *context, const char *path, struct mote_file_info *info) {
    struct place place = find(context, path);
    if (place.file) {
        describe(place.file, info);
    } else {
        describe_directory(info);
    }
    return place.file || place.is_directory ? MOTE_STATUS_OK : MOTE_STATUS_NOT_FOUND;
}

static bool next(void *context, const char *directory, char name[MOTE_FILE_NAME_BYTES + 1],
                 struct mote_file_info *info) {
    const struct mote_flash_store *store = context;
    /* "/" ends with its separator, other directories are followed by it. */
    size_t prefix = strlen(directory);
    prefix = prefix == 1 ? 0 : prefix;
    const struct record *best = NULL;
    size_t best_length = 0;
    for (const struct record *record = next_record(store, NULL); record;
         record = next_record(store, record)) {
        const char *entry = record->path + prefix;
        if (strncmp(record->path, directory, prefix) != 0 || *entry++ != '/') {
            continue;
        }
        size_t length = strcspn(entry, "/");
        /* After `name`, and before the best so far: compared as texts of their own. */
        if (strncmp(entry, name, length) <= 0) {
            continue;
        }
        if (best) {
            const char *other = best->path + prefix + 1;
            size_t least = length < best_length ? length : best_length;
            int order = strncmp(entry, other, least);
            if (order > 0 || (order == 0 && length >= best_length)) {
                continue;
            }
        }
        best = record;
        best_length = length;
    }
    if (!best) {
        return false;
    }
    const char *entry = best->path + prefix + 1;
    memcpy(name, entry, best_length);
    name[best_length] = '\0';
    if (entry[best_length] == '\0') {
        describe(best, info);
    } else {
        describe_directory(info);
    }
    return true;
}

static enum mote_status open(void *context, const char *path, struct mote_file *file) {
    struct place place = find(context, path);
    if (!place.file) {
        return place.is_directory ? MOTE_STATUS_FAILED_PRECONDITION : MOTE_STATUS_NOT_FOUND;
    }
    file->id = place.file->of.id;
    file->size = place.file->of.size;
    file->at = 0;
    file->place = 0;
    return MOTE_STATUS_OK;
}

static enum mote_status read(void *context, struct mote_file *file, void *bytes, size_t length) {
    const struct mote_flash_store *store = context;
    uint32_t part = part_bytes(store->flash);
    uint8_t *to = bytes;
    while (length > 0) {
        uint32_t offset = file->at % part;
        size_t count = part - offset < length ? (size_t)(part - offset) : length;
        file->place = (uint16_t)find_part(store, file->id, file->at / part, file->place);
        if (file->place == 0) {
            return MOTE_STATUS_DATA_LOSS;
        }
        memcpy(to, part_at(store, file->place) + offset, count);
        to += count;
        length -= count;
        file->at += (uint32_t)count;
    }
    return MOTE_STATUS_OK;
}

static enum mote_status check(void *context, const char *path) {
    struct place place = find(context, path);
    return place.is_directory || place.is_below_file ? MOTE_STATUS_FAILED_PRECONDITION
                                                     : MOTE_STATUS_OK;
}

static uint32_t free_bytes(const struct mote_flash_store *store) {
    uint32_t left = 0;
    for (unsigned i = first_data(store); i < store->flash->sectors; i++) {
        left += !is_used(store, i);
    }
    return left * part_bytes(store->flash);
}

static enum mote_status create(void *context, uint32_t size, struct mote_file *file) {
    struct mote_flash_store *store = context;
    if (size != MOTE_FILE_UNKNOWN && size > free_bytes(store)) {
        return MOTE_STATUS_RESOURCE_EXHAUSTED;
    }
    file->id = store->next_id++;
    file->size = size;
    file->at = 0;
    file->place = 0;
    return MOTE_STATUS_OK;
}

/* The free sector that was erased the fewest times, and how many; 0: there is none. One whose head is
 * not whole, because it is new or a reset took its head, comes first, and counts as the least worn of
 * all: they differ by little. */
static unsigned find_free(const struct mote_flash_store *store, uint32_t *erases) {
    uint32_t least = UINT32_MAX;
    unsigned best = 0, bare = 0;
    *erases = UINT32_MAX;
    for (unsigned i = first_data(store); i < store->flash->sectors; i++) {
        const struct sector *sector = sector_at(store, i);
        bool is_free = !is_used(store, i);
        if (!is_whole(sector)) {
            bare = is_free ? i : bare;
            continue;
        }
        least = sector->erases < least ? sector->erases : least;
        if (is_free && (best == 0 || sector->erases < *erases)) {
            best = i;
            *erases = sector->erases;
        }
    }
    if (bare) {
        *erases = least == UINT32_MAX ? 0 : least;
    }
    return bare ? bare : best;
}

/* The sector of a file that is in place which was erased the fewest times, if those are too few beside
 * `erases`; 0: there is none. */
static unsigned find_rested(const struct mote_flash_store *store, uint32_t erases) {
    unsigned best = 0;
    for (unsigned i = first_data(store); i < store->flash->sectors; i++) {
        const struct sector *sector = sector_at(store, i);
        if (is_used(store, i) && sector->erases < erases && erases - sector->erases > MOST_AHEAD &&
            (best == 0 || sector->erases < sector_at(store, best)->erases) && is_whole(sector) &&
            find_id(store, sector->id)) {
            best = i;
        }
    }
    return best;
}

/* Whether the head of a sector could be written; what counts is what can be read then. */
static bool write_head(const struct mote_flash_store *store, unsigned number, uint32_t id,
                       unsigned index, uint32_t erases) {
    struct sector sector = {id, erases, (uint16_t)index, 0};
    sector.crc = crc_of(&sector, offsetof(struct sector, crc));
    (void)program(store, number * store->flash->sector_bytes, &sector, sizeof sector);
    return memcmp(sector_at(store, number), &sector, sizeof sector) == 0;
}

/* Copies a part into a sector that was erased so many times, head last, and frees its own. */
static bool move_part(const struct mote_flash_store *store, unsigned from, unsigned to,
                      uint32_t erases) {
    const struct mote_flash *flash = store->flash;
    const struct sector *sector = sector_at(store, from);
    uint32_t length = find_id(store, sector->id)->of.size - sector->index * part_bytes(flash);
    if (length > part_bytes(flash)) {
        length = part_bytes(flash);
    }
    if (!flash->erase(flash->context, to * flash->sector_bytes) ||
        !program(store, to * flash->sector_bytes + head_bytes(flash), part_at(store, from),
                 length) ||
        !write_head(store, to, sector->id, sector->index, erases + 1)) {
        return false;
    }
    mark_free(store, from);
    return true;
}

/*
 * A free sector, erased, for the part of a file that begins at `at`; 0: there is none. It is the least
 * worn one: where that is the sector of a file that does not change, the file moves out of it. What
 * fails stays marked as used, and so out of service, until the next mount.
 */
static unsigned begin_part(struct mote_flash_store *store, const struct mote_file *file) {
    const struct mote_flash *flash = store->flash;
    uint32_t erases;
    for (unsigned i; (i = find_free(store, &erases)) != 0;) {
        unsigned rested = find_rested(store, erases);
        mark_used(store, i);
        if (rested) {
            if (!move_part(store, rested, i, erases)) {
                continue;
            }
            i = rested;
            erases = sector_at(store, i)->erases;
            mark_used(store, i);
        }
        if (flash->erase(flash->context, i * flash->sector_bytes) &&
            write_head(store, i, file->id, (unsigned)(file->at / part_bytes(flash)), erases + 1)) {
            return i;
        }
    }
    return 0;
}

/* Where the next byte of a file that is written belongs. */
static uint32_t address_of(const struct mote_flash_store *store, const struct mote_file *file) {
    const struct mote_flash *flash = store->flash;
    return file->place * flash->sector_bytes + head_bytes(flash) + file->at % part_bytes(flash);
}

static enum mote_status append(void *context, struct mote_file *file, const void *bytes,
                               size_t length) {
    struct mote_flash_store *store = context;
    uint32_t part = part_bytes(store->flash), granule = granule_bytes(store->flash);
    const uint8_t *from = bytes;
    while (length > 0) {
        uint32_t offset = file->at % part;
        size_t count = part - offset < length ? (size_t)(part - offset) : length;
        if (offset == 0) {
            file->place = (uint16_t)begin_part(store, file);
            if (file->place == 0) {
                return MOTE_STATUS_RESOURCE_EXHAUSTED;
            }
        }
        uint32_t at = address_of(store, file), within = offset % granule;
        bool done;
        if (within == 0 && count >= granule) {
            count -= (size_t)(count % granule);
            done = program(store, at, from, (uint32_t)count);
        } else {
            uint8_t *page = page_of(store, file->id);
            if (!page) {
                return MOTE_STATUS_RESOURCE_EXHAUSTED;
            }
            count = granule - within < count ? (size_t)(granule - within) : count;
            memcpy(page + within, from, count);
            done = within + count < granule || program(store, at - within, page, granule);
        }
        if (!done) {
            return MOTE_STATUS_INTERNAL;
        }
        from += count;
        length -= count;
        file->at += (uint32_t)count;
    }
    return MOTE_STATUS_OK;
}

static enum mote_status commit(void *context, struct mote_file *file, const char *path,
                               const struct mote_file_info *info) {
    struct mote_flash_store *store = context;
    enum mote_status status = check(context, path);
    if (status != MOTE_STATUS_OK) {
        return status;
    }
    uint32_t within = file->at % part_bytes(store->flash) % granule_bytes(store->flash);
    if (within > 0 &&
        !program(store, address_of(store, file) - within, page_of(store, file->id), within)) {
        return MOTE_STATUS_INTERNAL;
    }
    const struct details of = {file->id, file->at, info->modified_s, info->modified_ms, info->mode};
    status = put(store, &of, path);
    if (status == MOTE_STATUS_OK) {
        give_page_back(store, file->id);
    }
    return status;
}

static void abandon(void *context, struct mote_file *file) {
    give_page_back(context, file->id);
    release(context, file->id);
}

static enum mote_status remove(void *context, const char *path) {
    struct place place = find(context, path);
    if (!place.file) {
        return place.is_directory ? MOTE_STATUS_FAILED_PRECONDITION : MOTE_STATUS_NOT_FOUND;
    }
    release(context, place.file->of.id);
    kill(context, place.file);
    return MOTE_STATUS_OK;
}

static enum mote_status rename(void *context, const char *from, const char *to) {
    struct place place = find(context, from);
    if (!place.file) {
        return place.is_directory ? MOTE_STATUS_FAILED_PRECONDITION : MOTE_STATUS_NOT_FOUND;
    }
    if (strcmp(from, to) == 0) {
        return MOTE_STATUS_OK;
    }
    enum mote_status status = check(context, to);
    if (status == MOTE_STATUS_OK) {
        const struct details of = place.file->of; /* the index may move */
        status = put(context, &of, to);
    }
    return status;
}

static void room(void *context, uint32_t *total, uint32_t *left, uint32_t *files) {
    const struct mote_flash_store *store = context;
    *total = (store->flash->sectors - first_data(store)) * part_bytes(store->flash);
    *left = free_bytes(store);
    *files = 0;
    for (const struct record *record = next_record(store, NULL); record;
         record = next_record(store, record)) {
        ++*files;
    }
}

const struct mote_file_store mote_flash_store = {stat,   next,   open,    read,   check,  create,
                                                 append, commit, abandon, remove, rename, room};
