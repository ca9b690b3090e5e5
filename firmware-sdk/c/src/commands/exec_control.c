#include "mote/commands.h"

static void stop(struct mote_job *job, uint32_t signal) {
    /* As a shell tells of a signal: 128 + its number. */
    job->exit_code = (uint8_t)(128 + signal);
    mote_stream_end(job->out, MOTE_STATUS_OK, job->exit_code);
    if (job->err_id) {
        mote_stream_end(job->err, MOTE_STATUS_OK, -1);
    }
    job->out_id = 0;
}

enum mote_status mote_command_exec_control(struct mote_session *session, const void *context,
                                           struct mote_message *request) {
    (void)session;
    const struct mote_exec *exec = context;
    uint32_t id, control, value, rows;
    enum mote_status status = mote_dispatch_uint(request, MOTE_LIMIT_STREAM_ID, &id);
    if (status == MOTE_STATUS_OK) {
        status = mote_dispatch_uint(request, 0xff, &control);
    }
    if (status == MOTE_STATUS_OK) {
        status = mote_dispatch_uint(request, 0xffff, &value);
    }
    if (status == MOTE_STATUS_OK && request->rest > 0) {
        status = mote_dispatch_uint(request, 0xffff, &rows);
    }
    if (status != MOTE_STATUS_OK) {
        return status;
    }
    if (id == 0 || control == 0 || control > MOTE_EXEC_CONTROL_RESIZE ||
        (control == MOTE_EXEC_CONTROL_SIGNAL && (value == 0 || value > MOTE_LIMIT_SIGNAL))) {
        return MOTE_STATUS_INVALID_ARGUMENT;
    }
    for (unsigned i = 0; i < MOTE_EXEC_JOBS; i++) {
        struct mote_job *job = &exec->jobs[i];
        if (job->out_id == id) {
            /* A resize means nothing: nothing here draws a screen. */
            if (control == MOTE_EXEC_CONTROL_SIGNAL) {
                stop(job, value);
            }
            return MOTE_STATUS_OK;
        }
    }
    return MOTE_STATUS_NOT_FOUND;
}
