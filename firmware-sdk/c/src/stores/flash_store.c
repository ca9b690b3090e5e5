#include "mote/stores/flash_store.h"

#include <string.h>

#include "flash_index.h"
#include "flash_sectors.h"

void mote_flash_store_mount(struct mote_flash_store *store) {
    memset(store->used, 0, (store->flash->sectors + 7u) / 8u);
    memset(store->writers, 0, sizeof store->writers);
    if (mote_flash_index_mount(store)) {
        mote_flash_sectors_mount(store);
    }
}

/* The page of a file that is being written: bytes wait there until they fill a granule. NULL: all
 * are in use. */
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
    uint32_t granule = mote_flash_granule_bytes(store->flash);
    return (uint8_t *)store->pages + MOTE_FLASH_PIECE(granule) + page * granule;
}

static void give_page_back(struct mote_flash_store *store, uint32_t id) {
    for (unsigned i = 0; i < MOTE_JOBS; i++) {
        store->writers[i] = store->writers[i] == id ? 0 : store->writers[i];
    }
}

static void describe(const struct mote_flash_record *record, struct mote_file_info *info) {
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
    struct mote_flash_place place = mote_flash_index_find(context, path);
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
    const struct mote_flash_record *best = NULL;
    size_t best_length = 0;
    for (const struct mote_flash_record *record = mote_flash_index_next(store, NULL); record;
         record = mote_flash_index_next(store, record)) {
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
            size_t min = length < best_length ? length : best_length;
            int order = strncmp(entry, other, min);
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
    struct mote_flash_place place = mote_flash_index_find(context, path);
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
    uint32_t part = mote_flash_part_bytes(store->flash);
    uint8_t *to = bytes;
    while (length > 0) {
        uint32_t offset = file->at % part;
        size_t count = part - offset < length ? (size_t)(part - offset) : length;
        file->place =
            (uint16_t)mote_flash_sectors_find(store, file->id, file->at / part, file->place);
        if (file->place == 0) {
            return MOTE_STATUS_DATA_LOSS;
        }
        memcpy(to, mote_flash_part_at(store, file->place) + offset, count);
        to += count;
        length -= count;
        file->at += (uint32_t)count;
    }
    return MOTE_STATUS_OK;
}

static enum mote_status check(void *context, const char *path) {
    struct mote_flash_place place = mote_flash_index_find(context, path);
    return place.is_directory || place.is_below_file ? MOTE_STATUS_FAILED_PRECONDITION
                                                     : MOTE_STATUS_OK;
}

static enum mote_status create(void *context, uint32_t size, struct mote_file *file) {
    struct mote_flash_store *store = context;
    if (size != MOTE_FILE_UNKNOWN && size > mote_flash_sectors_room(store)) {
        return MOTE_STATUS_RESOURCE_EXHAUSTED;
    }
    file->id = store->next_id++;
    file->size = size;
    file->at = 0;
    file->place = 0;
    return MOTE_STATUS_OK;
}

/* Where the next byte of a file that is written belongs. */
static uint32_t address_of(const struct mote_flash_store *store, const struct mote_file *file) {
    const struct mote_flash *flash = store->flash;
    return file->place * flash->sector_bytes + mote_flash_head_bytes(flash) +
           file->at % mote_flash_part_bytes(flash);
}

static enum mote_status append(void *context, struct mote_file *file, const void *bytes,
                               size_t length) {
    struct mote_flash_store *store = context;
    uint32_t part = mote_flash_part_bytes(store->flash),
             granule = mote_flash_granule_bytes(store->flash);
    const uint8_t *from = bytes;
    while (length > 0) {
        uint32_t offset = file->at % part;
        size_t count = part - offset < length ? (size_t)(part - offset) : length;
        if (offset == 0) {
            file->place = (uint16_t)mote_flash_sectors_begin(store, file);
            if (file->place == 0) {
                return MOTE_STATUS_RESOURCE_EXHAUSTED;
            }
        }
        uint32_t at = address_of(store, file), within = offset % granule;
        bool done;
        if (within == 0 && count >= granule) {
            count -= (size_t)(count % granule);
            done = mote_flash_program(store, at, from, (uint32_t)count);
        } else {
            uint8_t *page = page_of(store, file->id);
            if (!page) {
                return MOTE_STATUS_RESOURCE_EXHAUSTED;
            }
            count = granule - within < count ? (size_t)(granule - within) : count;
            memcpy(page + within, from, count);
            done =
                within + count < granule || mote_flash_program(store, at - within, page, granule);
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
    uint32_t within =
        file->at % mote_flash_part_bytes(store->flash) % mote_flash_granule_bytes(store->flash);
    if (within > 0 && !mote_flash_program(store, address_of(store, file) - within,
                                          page_of(store, file->id), within)) {
        return MOTE_STATUS_INTERNAL;
    }
    const struct mote_flash_details of = {file->id, file->at, info->modified_s, info->modified_ms,
                                          info->mode};
    status = mote_flash_index_put(store, &of, path);
    if (status == MOTE_STATUS_OK) {
        give_page_back(store, file->id);
    }
    return status;
}

static void abandon(void *context, struct mote_file *file) {
    give_page_back(context, file->id);
    mote_flash_sectors_release(context, file->id);
}

static enum mote_status remove(void *context, const char *path) {
    struct mote_flash_place place = mote_flash_index_find(context, path);
    if (!place.file) {
        return place.is_directory ? MOTE_STATUS_FAILED_PRECONDITION : MOTE_STATUS_NOT_FOUND;
    }
    mote_flash_sectors_release(context, place.file->of.id);
    mote_flash_index_kill(context, place.file);
    return MOTE_STATUS_OK;
}

static enum mote_status rename(void *context, const char *from, const char *to) {
    struct mote_flash_place place = mote_flash_index_find(context, from);
    if (!place.file) {
        return place.is_directory ? MOTE_STATUS_FAILED_PRECONDITION : MOTE_STATUS_NOT_FOUND;
    }
    if (strcmp(from, to) == 0) {
        return MOTE_STATUS_OK;
    }
    enum mote_status status = check(context, to);
    if (status == MOTE_STATUS_OK) {
        const struct mote_flash_details of = place.file->of; /* the index may move */
        status = mote_flash_index_put(context, &of, to);
    }
    return status;
}

static void room(void *context, uint32_t *total, uint32_t *left, uint32_t *files) {
    const struct mote_flash_store *store = context;
    *total = (store->flash->sectors - mote_flash_first_data(store)) *
             mote_flash_part_bytes(store->flash);
    *left = mote_flash_sectors_room(store);
    *files = 0;
    for (const struct mote_flash_record *record = mote_flash_index_next(store, NULL); record;
         record = mote_flash_index_next(store, record)) {
        ++*files;
    }
}

const struct mote_file_store mote_flash_store = {stat,   next,   open,    read,   check,  create,
                                                 append, commit, abandon, remove, rename, room};
