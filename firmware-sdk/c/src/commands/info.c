#include <string.h>

#include "mote/commands/commands.h"
#include "mote/session.h"

enum { ARCH = 1, OS, RAM_KIB, FLASH_KIB, FIRMWARE_SLOT = 6, FIRMWARE_STATE };

static uint32_t write_text(struct mote_cbor_writer *writer, uint32_t key, const char *text) {
    if (!text) {
        return 0;
    }
    mote_cbor_write_uints(writer, &key, 1);
    mote_cbor_write_string(writer, MOTE_CBOR_TEXT, text, strlen(text));
    return 1;
}

static uint32_t write_uint(struct mote_cbor_writer *writer, uint32_t key, uint32_t value) {
    const uint32_t entry[] = {key, value};
    if (value == 0) {
        return 0;
    }
    mote_cbor_write_uints(writer, entry, 2);
    return 1;
}

enum mote_status mote_command_info(struct mote_session *session, const void *context,
                                   struct mote_message *request) {
    const struct mote_info *info = context;
    struct mote_cbor_writer *writer = &session->writer;
    uint8_t *map = writer->at;
    mote_cbor_write_head(writer, MOTE_CBOR_MAP, 0);
    uint32_t entries = write_text(writer, ARCH, info->arch);
    entries += write_text(writer, OS, info->os);
    entries += write_uint(writer, RAM_KIB, info->ram_kib);
    entries += write_uint(writer, FLASH_KIB, info->flash_kib);
    if (info->slots > 0) {
        const uint32_t slot[] = {FIRMWARE_SLOT, info->firmware_slot, FIRMWARE_STATE,
                                 info->firmware_state};
        mote_cbor_write_uints(writer, slot, 4);
        entries += 2;
    }
    *map = (uint8_t)(*map + entries);
    request->results = 1;
    return MOTE_STATUS_OK;
}
