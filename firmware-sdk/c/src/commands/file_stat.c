#include "mote/commands/arguments.h"
#include "mote/commands/commands.h"
#include "mote/session.h"

enum mote_status mote_command_file_stat(struct mote_session *session, const void *context,
                                        struct mote_message *request) {
    const struct mote_device *device = context;
    struct mote_arguments arguments = {request, MOTE_STATUS_OK};
    char path[MOTE_FILE_NAME_BYTES + 1];
    struct mote_file_info info;
    mote_arguments_path(&arguments, path);
    if (arguments.status == MOTE_STATUS_OK) {
        arguments.status = device->files->stat(device->files_context, path, &info);
    }
    if (arguments.status == MOTE_STATUS_OK) {
        const uint32_t values[] = {info.type, info.size, info.mode, info.modified_s,
                                   info.modified_ms};
        struct mote_cbor_writer *writer = &session->writer;
        mote_cbor_write_uints(writer, values, 3);
        if (info.modified_s == MOTE_FILE_UNKNOWN) {
            mote_cbor_write_head(writer, MOTE_CBOR_OTHER, MOTE_CBOR_NULL);
        } else {
            mote_cbor_write_head(writer, MOTE_CBOR_ARRAY, 2);
            mote_cbor_write_uints(writer, values + 3, 2);
        }
        request->results = 4;
    }
    return arguments.status;
}
