#include "mote/commands/arguments.h"
#include "mote/commands/commands.h"
#include "mote/session.h"

/* Reads right into the stream's buffer. */
static enum mote_step step_read(struct mote_session *session, struct mote_job *job) {
    (void)session;
    struct mote_file *file = &job->memory.file;
    struct mote_stream *out = job->out;
    size_t room = mote_stream_room(out);
    if (room > file->size - file->at) {
        room = (size_t)(file->size - file->at);
    }
    enum mote_status status = job->device->files->read(job->device->files_context, file,
                                                       out->buffer + out->length, room);
    if (status != MOTE_STATUS_OK) {
        job->end_status = (uint8_t)status;
        return MOTE_STEP_DONE;
    }
    out->length = (uint16_t)(out->length + room);
    return file->at == file->size ? MOTE_STEP_DONE : MOTE_STEP_WAIT;
}

static const struct mote_program read_program = {NULL, NULL, NULL, step_read, NULL, NULL};

enum mote_status mote_command_file_read(struct mote_session *session, const void *context,
                                        struct mote_message *request) {
    const struct mote_device *device = context;
    struct mote_arguments arguments = {request, MOTE_STATUS_OK};
    char path[MOTE_FILE_NAME_BYTES + 1];
    struct mote_file file;
    uint8_t stream = mote_arguments_stream(&arguments);
    uint32_t offset = mote_arguments_uint(&arguments, 0xffffffff);
    mote_arguments_path(&arguments, path);
    if (arguments.status == MOTE_STATUS_OK) {
        arguments.status = device->files->open(device->files_context, path, &file);
    }
    if (arguments.status != MOTE_STATUS_OK) {
        return arguments.status;
    }
    if (offset > file.size) {
        return MOTE_STATUS_OUT_OF_RANGE;
    }
    struct mote_job *job = mote_job_reserve(device);
    if (job) {
        file.at = offset;
        job->memory.file = file;
    }
    return mote_job_start(session, job, &read_program, stream, 0);
}
