#include "flash_layout.h"

#include <string.h>

#include "mote/crc16.h"

uint16_t mote_flash_crc(const void *bytes, size_t length) {
    const uint8_t *at = bytes;
    uint16_t crc = 0;
    while (length-- > 0) {
        crc = mote_crc16_update(crc, *at++);
    }
    return crc;
}

uint32_t mote_flash_to_units(const struct mote_flash *flash, size_t length) {
    uint32_t unit = mote_flash_unit_bytes(flash);
    return ((uint32_t)length + unit - 1) & ~(unit - 1);
}

uint32_t mote_flash_part_bytes(const struct mote_flash *flash) {
    return flash->sector_bytes - mote_flash_head_bytes(flash);
}

bool mote_flash_program(const struct mote_flash_store *store, uint32_t at, const void *bytes,
                        uint32_t length) {
    const struct mote_flash *flash = store->flash;
    const uint8_t *from = bytes;
    while (length > 0) {
        size_t granule = (size_t)mote_flash_granule_bytes(flash), max = MOTE_FLASH_PIECE(granule);
        size_t count = length < max ? (size_t)length : max;
        memset(store->pages, from ? 0xff : 0, max);
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
