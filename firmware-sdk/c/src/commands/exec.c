#include <string.h>

#include "mote/commands/arguments.h"
#include "mote/commands/commands.h"
#include "mote/commands/device.h"
#include "mote/commands/exec.h"

/* Reads argv to its end, so that a wrong type is reported before a length, and copies its texts if
 * there is a job for them, each with a NUL: a text's head is at least as long. `start` is where what
 * counts for its length begins. */
static void read_argv(struct mote_arguments *arguments, const uint8_t *start,
                      struct mote_job *job) {
    struct mote_cbor_reader *reader = &arguments->request->body;
    struct mote_cbor_head head;
    if (arguments->request->rest == 0 || mote_cbor_read_head(reader, &head) ||
        head.major != MOTE_CBOR_ARRAY || head.value == 0) {
        arguments->status = MOTE_STATUS_INVALID_ARGUMENT;
        return;
    }
    if (!start) {
        start = reader->at;
    }
    char *to = NULL;
    if (job) {
        job->argc = (uint8_t)(head.value < 0xff ? head.value : 0xff);
        to = job->argv;
    }
    arguments->request->rest = (uint16_t)head.value;
    for (uint32_t i = head.value; i > 0; i--) {
        struct mote_span text = mote_arguments_text(arguments, MOTE_LIMIT_MESSAGE_BYTES);
        if (!text.bytes) {
            return;
        }
        if (to && (size_t)(reader->at - start) <= MOTE_ARGV_BYTES) {
            memcpy(to, text.bytes, text.length);
            to += text.length;
            *to++ = '\0';
        }
    }
    if (arguments->status == MOTE_STATUS_OK && (size_t)(reader->at - start) > MOTE_ARGV_BYTES) {
        arguments->status = MOTE_STATUS_OUT_OF_RANGE;
    }
}

enum mote_status mote_exec_read(const struct mote_device *device, struct mote_message *request,
                                bool has_peripheral, struct mote_invocation *invocation) {
    struct mote_arguments arguments = {request, MOTE_STATUS_OK};
    struct mote_job *job = mote_job_reserve(device);
    invocation->job = job;
    invocation->out = mote_arguments_stream(&arguments);
    invocation->err = (uint8_t)mote_arguments_uint(&arguments, MOTE_LIMIT_STREAM_ID);
    uint32_t flags = mote_arguments_uint(&arguments, 0xff);
    const uint8_t *start = NULL;
    invocation->peripheral.bytes = NULL;
    invocation->peripheral.length = 0;
    if (invocation->out == invocation->err) {
        arguments.status = MOTE_STATUS_INVALID_ARGUMENT;
    }
    if (has_peripheral) {
        start = request->body.at;
        invocation->peripheral = mote_arguments_text(&arguments, MOTE_LIMIT_PERIPHERAL_BYTES);
    }
    read_argv(&arguments, start, job);
    if (job) {
        job->flags = (uint8_t)((flags & (MOTE_JOB_STDIN | MOTE_JOB_TTY)) | MOTE_JOB_COMMAND);
    }
    return arguments.status;
}

const struct mote_program *mote_exec_find(const struct mote_device *device, const char *name) {
    const struct mote_program *program = device->programs;
    while (program->name && strcmp(program->name, name) != 0) {
        program++;
    }
    return program;
}

enum mote_status mote_command_exec(struct mote_session *session, const void *context,
                                   struct mote_message *request) {
    const struct mote_device *device = context;
    struct mote_invocation invocation;
    enum mote_status status = mote_exec_read(device, request, false, &invocation);
    if (status == MOTE_STATUS_OK) {
        struct mote_job *job = invocation.job;
        status = mote_job_start(session, job, mote_exec_find(device, job ? job->argv : ""),
                                invocation.out, invocation.err);
    }
    return status;
}
