#include "mote/exec.h"

#include <string.h>

#include "mote/commands.h"
#include "mote/session.h"

/* Whether the streams of a job are still its own: a cancel or a new session takes them away. */
static bool is_wanted(const struct mote_job *job) {
    return job->out->id == job->out_id && job->out->owner == job;
}

static bool has_err(const struct mote_job *job) {
    return job->err_id && job->err->id == job->err_id && job->err->owner == job;
}

static void end_job(struct mote_job *job) {
    mote_stream_end(job->out, MOTE_STATUS_OK, job->exit_code);
    if (has_err(job)) {
        mote_stream_end(job->err, MOTE_STATUS_OK, -1);
    }
    job->out_id = 0;
}

/* The gateway wants no more of it, so nothing more is said, on stderr neither (SPEC §5.7). */
static void drop_job(struct mote_job *job) {
    if (has_err(job)) {
        job->err->id = 0;
    }
    job->out_id = 0;
}

bool mote_exec_run(struct mote_session *session, const void *context) {
    const struct mote_exec *exec = context;
    bool progress = false;
    for (unsigned i = 0; i < MOTE_EXEC_JOBS; i++) {
        struct mote_job *job = &exec->jobs[i];
        if (!job->out_id) {
            continue;
        }
        if (!is_wanted(job)) {
            drop_job(job);
            continue;
        }
        enum mote_step step = job->program->step(session, job);
        if (step == MOTE_STEP_DONE) {
            end_job(job);
        }
        progress = progress || step != MOTE_STEP_WAIT;
    }
    return progress;
}

const char *mote_exec_argument(const struct mote_job *job, unsigned index) {
    const char *argument = job->argv;
    if (index >= job->argc) {
        return "";
    }
    for (; index > 0; index--) {
        argument += strlen(argument) + 1;
    }
    return argument;
}

bool mote_exec_print(struct mote_stream *stream, uint16_t *at, uint16_t *from, const char *text) {
    size_t length = strlen(text);
    size_t skip = *at > *from ? (size_t)(*at - *from) : 0;
    *from = (uint16_t)(*from + length);
    if (skip < length) {
        *at = (uint16_t)(*at + mote_stream_write(stream, text + skip, length - skip));
    }
    return *at >= *from;
}

/* Reads argv to its end, so that a wrong type is told before a length, and copies its texts if
 * there is a job for them, each with a NUL: a text's head is at least as long. */
static enum mote_status read_argv(struct mote_message *request, struct mote_job *job) {
    struct mote_cbor_reader *reader = &request->body;
    struct mote_cbor_head head;
    if (request->rest == 0 || mote_cbor_read_head(reader, &head) || head.major != MOTE_CBOR_ARRAY ||
        head.value == 0) {
        return MOTE_STATUS_INVALID_ARGUMENT;
    }
    const uint8_t *start = reader->at;
    char *to = NULL;
    if (job) {
        memset(job, 0, sizeof *job);
        job->argc = (uint8_t)(head.value < 0xff ? head.value : 0xff);
        to = job->argv;
    }
    for (uint32_t i = head.value; i > 0; i--) {
        if (mote_cbor_read_head(reader, &head) || head.major != MOTE_CBOR_TEXT) {
            return MOTE_STATUS_INVALID_ARGUMENT;
        }
        const uint8_t *text = reader->at;
        reader->at += head.value;
        if (to && (size_t)(reader->at - start) <= MOTE_EXEC_ARGV_BYTES) {
            memcpy(to, text, head.value);
            to += head.value;
            *to++ = '\0';
        }
    }
    return (size_t)(reader->at - start) > MOTE_EXEC_ARGV_BYTES ? MOTE_STATUS_OUT_OF_RANGE
                                                               : MOTE_STATUS_OK;
}

enum mote_status mote_command_exec(struct mote_session *session, const void *context,
                                   struct mote_message *request) {
    const struct mote_exec *exec = context;
    uint32_t out, err, flags;
    enum mote_status status = mote_dispatch_uint(request, MOTE_LIMIT_STREAM_ID, &out);
    if (status == MOTE_STATUS_OK) {
        status = mote_dispatch_uint(request, MOTE_LIMIT_STREAM_ID, &err);
    }
    if (status == MOTE_STATUS_OK) {
        status = mote_dispatch_uint(request, 0xff, &flags);
    }
    if (status != MOTE_STATUS_OK) {
        return status;
    }
    if (out == 0 || out == err) {
        return MOTE_STATUS_INVALID_ARGUMENT;
    }

    struct mote_job *job = exec->jobs;
    while (job && job->out_id) {
        job = job + 1 < exec->jobs + MOTE_EXEC_JOBS ? job + 1 : NULL;
    }
    status = read_argv(request, job);
    if (status != MOTE_STATUS_OK) {
        return status;
    }
    if (!job) {
        return MOTE_STATUS_RESOURCE_EXHAUSTED;
    }
    const struct mote_program *program = exec->programs;
    while (program->name && strcmp(program->name, job->argv) != 0) {
        program++;
    }
    /* stderr takes the lower slot, and so is sent before the end of stdout, which tells the exit
     * code. */
    struct mote_stream *err_stream =
        err ? mote_stream_open(session, (uint8_t)err, NULL, job) : NULL;
    job->out =
        err && !err_stream ? NULL : mote_stream_open(session, (uint8_t)out, program->take, job);
    if (!job->out) {
        if (err_stream) {
            err_stream->id = 0;
        }
        return MOTE_STATUS_RESOURCE_EXHAUSTED;
    }
    job->programs = exec->programs;
    job->program = program;
    job->err = err_stream ? err_stream : job->out;
    job->err_id = (uint8_t)err;
    job->out_id = (uint8_t)out;
    job->has_stdin = (flags & MOTE_EXEC_FLAG_STDIN) != 0;
    return MOTE_STATUS_OK;
}
