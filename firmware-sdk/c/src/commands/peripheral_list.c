#include "mote/commands/peripherals.h"

#include <string.h>

#include "mote/commands/arguments.h"
#include "mote/commands/commands.h"
#include "mote/commands/device.h"
#include "mote/session.h"

/* What a head of one byte can count. */
enum { LIST_ENTRIES = 23 };

enum mote_status mote_command_peripheral_list(struct mote_session *session, const void *context,
                                              struct mote_message *request) {
    const struct mote_device *device = context;
    struct mote_arguments arguments = {request, MOTE_STATUS_OK};
    struct mote_cbor_writer *writer = &session->writer;
    uint32_t from = mote_arguments_uint(&arguments, 0xff), total = 0;
    if (arguments.status != MOTE_STATUS_OK) {
        return arguments.status;
    }
    while (device->peripherals[total].name) {
        total++;
    }
    mote_cbor_write_uints(writer, &total, 1);
    uint8_t *array = writer->at;
    mote_cbor_write_head(writer, MOTE_CBOR_ARRAY, 0);
    for (; from < total && *array < (MOTE_CBOR_ARRAY << 5 | LIST_ENTRIES); from++) {
        const struct mote_peripheral *peripheral = &device->peripherals[from];
        uint8_t *entry = writer->at;
        mote_cbor_write_head(writer, MOTE_CBOR_ARRAY, 2);
        mote_cbor_write_string(writer, MOTE_CBOR_TEXT, peripheral->name, strlen(peripheral->name));
        mote_cbor_write_string(writer, MOTE_CBOR_TEXT, peripheral->kind, strlen(peripheral->kind));
        if (writer->at == writer->end) {
            writer->at = entry;
            break;
        }
        ++*array;
    }
    request->results = 2;
    return MOTE_STATUS_OK;
}
