#include <string.h>

#include "mote/commands/arguments.h"
#include "mote/commands/commands.h"
#include "mote/session.h"

/* An entry takes 6 bytes or more, so the head of one byte can count those that fit the scratch. */
typedef char scratch_holds_23_entries[MOTE_SCRATCH_BYTES < 12 + 24 * 6 ? 1 : -1];

static bool next(const struct mote_device *device, const char *path,
                 char name[MOTE_FILE_NAME_BYTES + 1], struct mote_file_info *info) {
    return device->files->next(device->files_context, path, name, info);
}

enum mote_status mote_command_file_list(struct mote_session *session, const void *context,
                                        struct mote_message *request) {
    const struct mote_device *device = context;
    struct mote_arguments arguments = {request, MOTE_STATUS_OK};
    struct mote_cbor_writer *writer = &session->writer;
    char path[MOTE_FILE_NAME_BYTES + 1], name[MOTE_FILE_NAME_BYTES + 1];
    struct mote_file_info info;
    mote_arguments_path(&arguments, path);
    uint32_t from = mote_arguments_uint(&arguments, 0xffff);
    if (arguments.status == MOTE_STATUS_OK) {
        arguments.status = device->files->stat(device->files_context, path, &info);
    }
    if (arguments.status != MOTE_STATUS_OK) {
        return arguments.status;
    }
    if (info.type != MOTE_FILE_TYPE_DIRECTORY) {
        return MOTE_STATUS_FAILED_PRECONDITION;
    }

    uint32_t total = 0;
    for (name[0] = '\0'; next(device, path, name, &info); total++) {
    }
    mote_cbor_write_uints(writer, &total, 1);
    uint8_t *array = writer->at;
    mote_cbor_write_head(writer, MOTE_CBOR_ARRAY, 0);
    name[0] = '\0';
    for (uint32_t index = 0; next(device, path, name, &info); index++) {
        if (index >= from) {
            const uint32_t values[] = {info.type, info.size, info.mode};
            uint8_t *entry = writer->at;
            mote_cbor_write_head(writer, MOTE_CBOR_ARRAY, 4);
            mote_cbor_write_string(writer, MOTE_CBOR_TEXT, name, strlen(name));
            mote_cbor_write_uints(writer, values, 3);
            if (writer->at == writer->end) {
                writer->at = entry;
                break;
            }
            ++*array;
        }
    }
    request->results = 2;
    return MOTE_STATUS_OK;
}
