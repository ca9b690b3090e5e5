#include "mote/commands/arguments.h"
#include "mote/commands/commands.h"
#include "mote/commands/device.h"
#include "mote/commands/files.h"

enum mote_status mote_command_file_rename(struct mote_session *session, const void *context,
                                          struct mote_message *request) {
    const struct mote_device *device = context;
    struct mote_arguments arguments = {request, MOTE_STATUS_OK};
    char from[MOTE_FILE_NAME_BYTES + 1], to[MOTE_FILE_NAME_BYTES + 1];
    (void)session;
    mote_arguments_path(&arguments, from);
    mote_arguments_path(&arguments, to);
    if (arguments.status == MOTE_STATUS_OK) {
        arguments.status = device->files->rename(device->files_context, from, to);
    }
    return arguments.status;
}
