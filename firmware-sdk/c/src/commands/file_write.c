#include <string.h>

#include "mote/commands/arguments.h"
#include "mote/commands/commands.h"
#include "mote/session.h"

/* A file-write: the path is in argv, the mode in state, the announced size in file.size. */
static size_t take_write(struct mote_job *job, const uint8_t *bytes, size_t length) {
    if (bytes && length > 0 && job->end_status == MOTE_STATUS_OK) {
        struct mote_file *file = &job->memory.file;
        job->end_status = (uint8_t)(length > file->size - file->at
                                        ? MOTE_STATUS_DATA_LOSS
                                        : job->device->files->append(job->device->files_context,
                                                                     file, bytes, length));
    }
    return bytes ? length : MOTE_RX_WINDOW_BYTES;
}

static void drop_write(struct mote_job *job) {
    job->device->files->abandon(job->device->files_context, &job->memory.file);
}

static enum mote_status commit(const struct mote_session *session, struct mote_job *job) {
    struct mote_file *file = &job->memory.file;
    struct mote_file_info info = {0, MOTE_FILE_UNKNOWN, 0, job->state, 0};
    uint32_t now[2];
    if (job->out->finished != 1 + MOTE_STATUS_OK) {
        return MOTE_STATUS_CANCELLED;
    }
    if (file->size != MOTE_FILE_UNKNOWN && file->at != file->size) {
        return MOTE_STATUS_DATA_LOSS;
    }
    if (mote_time_read(session, now)) {
        info.modified_s = now[0];
        info.modified_ms = (uint16_t)now[1];
    }
    return job->device->files->commit(job->device->files_context, file, job->argv, &info);
}

static enum mote_step step_write(struct mote_session *session, struct mote_job *job) {
    if (job->end_status == MOTE_STATUS_OK) {
        if (!job->out->finished) {
            return MOTE_STEP_WAIT;
        }
        job->end_status = (uint8_t)commit(session, job);
    }
    if (job->end_status != MOTE_STATUS_OK) {
        drop_write(job);
    }
    return MOTE_STEP_DONE;
}

static const struct mote_program write_program = {NULL,       NULL,       NULL,
                                                  step_write, take_write, drop_write};

enum mote_status mote_command_file_write(struct mote_session *session, const void *context,
                                         struct mote_message *request) {
    const struct mote_device *device = context;
    const struct mote_file_store *files = device->files;
    struct mote_arguments arguments = {request, MOTE_STATUS_OK};
    char path[MOTE_FILE_NAME_BYTES + 1];
    struct mote_file file;
    uint32_t size = MOTE_FILE_UNKNOWN;
    uint8_t stream = mote_arguments_stream(&arguments);
    if (!mote_arguments_null(&arguments)) {
        size = mote_arguments_uint(&arguments, 0xffffffff);
    }
    uint32_t mode = mote_arguments_uint(&arguments, MOTE_LIMIT_FILE_MODE);
    mote_arguments_path(&arguments, path);
    if (arguments.status == MOTE_STATUS_OK) {
        arguments.status = files->check(device->files_context, path);
    }
    if (arguments.status == MOTE_STATUS_OK) {
        arguments.status = files->create(device->files_context, size, &file);
    }
    if (arguments.status != MOTE_STATUS_OK) {
        return arguments.status;
    }
    struct mote_job *job = mote_job_reserve(device);
    if (job) {
        job->memory.file = file;
        job->state = (uint16_t)mode;
        memcpy(job->argv, path, sizeof path);
    }
    /* RESOURCE_EXHAUSTED is for files that have no room (SPEC §6.13). */
    return mote_job_start(session, job, &write_program, stream, 0) == MOTE_STATUS_OK
               ? MOTE_STATUS_OK
               : MOTE_STATUS_UNAVAILABLE;
}
