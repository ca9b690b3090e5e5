#include "flash_sectors.h"

#include <string.h>

#include "flash_index.h"

/* How many more times a sector may have been erased than one whose file does not change. */
enum { MAX_AHEAD = 16 };

static bool is_used(const struct mote_flash_store *store, unsigned sector) {
    return (store->used[sector / 8] >> sector % 8 & 1) != 0;
}

static bool is_whole(const struct mote_flash_sector *sector) {
    return sector->crc == mote_flash_crc(sector, offsetof(struct mote_flash_sector, crc));
}

unsigned mote_flash_sectors_find(const struct mote_flash_store *store, uint32_t id, uint32_t index,
                                 unsigned from) {
    unsigned first = mote_flash_first_data(store), count = store->flash->sectors - first;
    for (unsigned left = count; left > 0; left--, from++) {
        if (from < first || from >= store->flash->sectors) {
            from = first;
        }
        const struct mote_flash_sector *sector = mote_flash_sector_at(store, from);
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

void mote_flash_sectors_release(struct mote_flash_store *store, uint32_t id) {
    for (unsigned i = mote_flash_first_data(store); i < store->flash->sectors; i++) {
        if (is_used(store, i) && mote_flash_sector_at(store, i)->id == id &&
            is_whole(mote_flash_sector_at(store, i))) {
            mark_free(store, i);
        }
    }
}

/* A reset while a part moved may have left it twice: the worn sector keeps it. */
static void drop_twins(struct mote_flash_store *store, const struct mote_flash_record *record) {
    uint32_t part = mote_flash_part_bytes(store->flash), size = record->of.size;
    uint32_t left = size / part + (size % part != 0);
    for (unsigned i = mote_flash_first_data(store); i < store->flash->sectors; i++) {
        left -= is_used(store, i) && mote_flash_sector_at(store, i)->id == record->of.id;
    }
    for (unsigned i = mote_flash_first_data(store); left != 0 && i < store->flash->sectors; i++) {
        const struct mote_flash_sector *sector = mote_flash_sector_at(store, i);
        if (!is_used(store, i) || sector->id != record->of.id) {
            continue;
        }
        unsigned twin = mote_flash_sectors_find(store, record->of.id, sector->index, i + 1);
        if (twin != i) {
            mark_free(store, mote_flash_sector_at(store, twin)->erases > sector->erases ? i : twin);
        }
    }
}

void mote_flash_sectors_mount(struct mote_flash_store *store) {
    for (unsigned i = mote_flash_first_data(store); i < store->flash->sectors; i++) {
        const struct mote_flash_sector *sector = mote_flash_sector_at(store, i);
        if (!is_whole(sector)) {
            continue;
        }
        if (mote_flash_index_find_id(store, sector->id)) {
            mark_used(store, i);
        }
        /* An id that a reset kept from its record is not given again. */
        if (sector->id >= store->next_id) {
            store->next_id = sector->id + 1;
        }
    }
    for (const struct mote_flash_record *record = mote_flash_index_next(store, NULL); record;
         record = mote_flash_index_next(store, record)) {
        drop_twins(store, record);
    }
}

uint32_t mote_flash_sectors_room(const struct mote_flash_store *store) {
    uint32_t left = 0;
    for (unsigned i = mote_flash_first_data(store); i < store->flash->sectors; i++) {
        left += !is_used(store, i);
    }
    return left * mote_flash_part_bytes(store->flash);
}

/* The free sector that was erased the fewest times, and how often; 0: there is none. One whose head
 * is not whole, because it is new or a reset interrupted it, comes first. It counts as the least
 * worn of all: they differ by little. */
static unsigned find_free(const struct mote_flash_store *store, uint32_t *erases) {
    uint32_t min = UINT32_MAX;
    unsigned best = 0, bare = 0;
    *erases = UINT32_MAX;
    for (unsigned i = mote_flash_first_data(store); i < store->flash->sectors; i++) {
        const struct mote_flash_sector *sector = mote_flash_sector_at(store, i);
        bool is_free = !is_used(store, i);
        if (!is_whole(sector)) {
            bare = is_free ? i : bare;
            continue;
        }
        min = sector->erases < min ? sector->erases : min;
        if (is_free && (best == 0 || sector->erases < *erases)) {
            best = i;
            *erases = sector->erases;
        }
    }
    if (bare) {
        *erases = min == UINT32_MAX ? 0 : min;
    }
    return bare ? bare : best;
}

/* The least worn sector of a file that is in place, if it was erased more than MOST_AHEAD times
 * less often than `erases`; 0: there is none. */
static unsigned find_rested(const struct mote_flash_store *store, uint32_t erases) {
    unsigned best = 0;
    for (unsigned i = mote_flash_first_data(store); i < store->flash->sectors; i++) {
        const struct mote_flash_sector *sector = mote_flash_sector_at(store, i);
        if (is_used(store, i) && sector->erases < erases && erases - sector->erases > MAX_AHEAD &&
            (best == 0 || sector->erases < mote_flash_sector_at(store, best)->erases) &&
            is_whole(sector) && mote_flash_index_find_id(store, sector->id)) {
            best = i;
        }
    }
    return best;
}

/* Whether the head of a sector could be written; what counts is what can be read then. */
static bool write_head(const struct mote_flash_store *store, unsigned number, uint32_t id,
                       unsigned index, uint32_t erases) {
    struct mote_flash_sector sector = {id, erases, (uint16_t)index, 0};
    sector.crc = mote_flash_crc(&sector, offsetof(struct mote_flash_sector, crc));
    (void)!mote_flash_program(store, number * store->flash->sector_bytes, &sector, sizeof sector);
    return memcmp(mote_flash_sector_at(store, number), &sector, sizeof sector) == 0;
}

/* Copies a part into a sector that was erased `erases` times, head last, and frees its own. */
static bool move_part(const struct mote_flash_store *store, unsigned from, unsigned to,
                      uint32_t erases) {
    const struct mote_flash *flash = store->flash;
    const struct mote_flash_sector *sector = mote_flash_sector_at(store, from);
    uint32_t length = mote_flash_index_find_id(store, sector->id)->of.size -
                      sector->index * mote_flash_part_bytes(flash);
    if (length > mote_flash_part_bytes(flash)) {
        length = mote_flash_part_bytes(flash);
    }
    if (!flash->erase(flash->context, to * flash->sector_bytes) ||
        !mote_flash_program(store, to * flash->sector_bytes + mote_flash_head_bytes(flash),
                            mote_flash_part_at(store, from), length) ||
        !write_head(store, to, sector->id, sector->index, erases + 1)) {
        return false;
    }
    mark_free(store, from);
    return true;
}

unsigned mote_flash_sectors_begin(struct mote_flash_store *store, const struct mote_file *file) {
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
            erases = mote_flash_sector_at(store, i)->erases;
            mark_used(store, i);
        }
        if (flash->erase(flash->context, i * flash->sector_bytes) &&
            write_head(store, i, file->id, (unsigned)(file->at / mote_flash_part_bytes(flash)),
                       erases + 1)) {
            return i;
        }
    }
    return 0;
}
