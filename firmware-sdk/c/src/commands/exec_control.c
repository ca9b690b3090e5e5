#include "mote/commands/arguments.h"
#include "mote/commands/commands.h"
#include "mote/commands/device.h"

enum mote_status mote_command_exec_control(struct mote_session *session, const void *context,
                                           struct mote_message *request) {
    (void)session;
    struct mote_arguments arguments = {request, MOTE_STATUS_OK};
    uint8_t id = mote_arguments_stream(&arguments);
    uint32_t control = mote_arguments_uint(&arguments, 0xff);
    uint32_t value = mote_arguments_uint(&arguments, 0xffff);
    bool has_rows = request->rest > 0;
    uint32_t rows = has_rows ? mote_arguments_uint(&arguments, 0xffff) : 0;
    bool is_signal = control == MOTE_EXEC_CONTROL_SIGNAL;
    if (arguments.status != MOTE_STATUS_OK ||
        (is_signal ? value == 0 || value > MOTE_LIMIT_SIGNAL
                   : control != MOTE_EXEC_CONTROL_RESIZE)) {
        return MOTE_STATUS_INVALID_ARGUMENT;
    }
    struct mote_job *job = mote_job_find(context, id);
    if (!job) {
        return MOTE_STATUS_NOT_FOUND;
    }
    if (is_signal) {
        mote_job_signal(job, value);
    } else {
        job->columns = (uint16_t)value;
        if (has_rows) {
            job->rows = (uint16_t)rows;
        }
        if (job->flags & MOTE_JOB_CONSOLE) {
            job->flags |= MOTE_JOB_TTY; /* what has a size is a terminal */
        }
    }
    return MOTE_STATUS_OK;
}
