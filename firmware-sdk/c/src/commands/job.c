#include "mote/commands/job.h"

#include <string.h>

#include "mote/commands/device.h"
#include "mote/session.h"

enum { INTERRUPT = 0x03, END_OF_INPUT = 0x04, SIGNAL_INTERRUPT = 2, MAX_EXIT_CODE = 255 };

/* Whether the streams of a job are still its own: a cancel or a new session takes them away. */
static bool is_wanted(const struct mote_job *job) {
    return job->out->id == job->out_id && job->out->owner == job;
}

static bool has_err(const struct mote_job *job) {
    return job->err_id && job->err->id == job->err_id && job->err->owner == job;
}

/* Input that nobody reads. */
static size_t drop_input(struct mote_stream *stream, const uint8_t *bytes, size_t length) {
    (void)stream;
    return bytes ? length : MOTE_RX_WINDOW_BYTES;
}

/* What still comes when the program that read it has ended. */
static size_t drop_rest(struct mote_stream *stream, const uint8_t *bytes, size_t length) {
    return bytes ? length : mote_stream_room(stream);
}

static void end_job(struct mote_job *job) {
    bool has_exit = (job->flags & (MOTE_JOB_COMMAND | MOTE_JOB_CONSOLE)) == MOTE_JOB_COMMAND;
    /* The end has a byte for it: cut to that, 256 would be a success. */
    int exit_code = (uint32_t)job->exit_code > MAX_EXIT_CODE ? MAX_EXIT_CODE : (int)job->exit_code;
    mote_stream_end(job->out, (enum mote_status)job->end_status, has_exit ? exit_code : -1);
    job->out->take = job->program->take ? drop_rest : drop_input;
    if (has_err(job)) {
        mote_stream_end(job->err, MOTE_STATUS_OK, -1);
    }
    job->out_id = 0;
}

static void drop_program(struct mote_job *job) {
    if (job->program->drop) {
        job->program->drop(job);
    }
}

/* The gateway wants no more of it, so nothing more is said, on stderr neither (SPEC §5.7). */
static void drop_job(struct mote_job *job) {
    drop_program(job);
    if (has_err(job)) {
        job->err->id = 0;
    }
    job->out_id = 0;
}

bool mote_jobs_run(struct mote_session *session, const void *context) {
    const struct mote_device *device = context;
    bool progress = false;
    for (unsigned i = 0; i < MOTE_JOBS; i++) {
        struct mote_job *job = &device->jobs[i];
        if (!job->out_id) {
            continue;
        }
        if (!is_wanted(job)) {
            drop_job(job);
            continue;
        }
        if ((job->flags & (MOTE_JOB_SIGNALLED | MOTE_JOB_CONSOLE)) == MOTE_JOB_SIGNALLED) {
            drop_program(job);
            end_job(job);
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

struct mote_job *mote_job_reserve(const struct mote_device *device) {
    for (unsigned i = 0; i < MOTE_JOBS; i++) {
        struct mote_job *job = &device->jobs[i];
        if (!job->out_id) {
            memset(job, 0, sizeof *job);
            job->device = device;
            return job;
        }
    }
    return NULL;
}

bool mote_job_input_ended(const struct mote_job *job) {
    return job->out->finished || !(job->flags & MOTE_JOB_STDIN) ||
           (job->flags & MOTE_JOB_END_OF_INPUT) != 0;
}

/* A terminal's: 03 and 04 have a meaning, and what the return key sends ends a line. */
static size_t take_typed(struct mote_job *job, const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = bytes[i] == '\r' ? '\n' : bytes[i];
        if (byte == INTERRUPT) {
            mote_job_signal(job, SIGNAL_INTERRUPT);
            return length;
        }
        if (byte == END_OF_INPUT && !(job->flags & MOTE_JOB_MID_LINE)) {
            job->flags |= MOTE_JOB_END_OF_INPUT;
        } else if (job->program->take && job->program->take(job, &byte, 1) == 0) {
            return i;
        } else if (byte == '\n') {
            job->flags = (uint8_t)(job->flags & ~MOTE_JOB_MID_LINE);
        } else {
            job->flags |= MOTE_JOB_MID_LINE;
        }
    }
    return length;
}

static size_t take_input(struct mote_stream *stream, const uint8_t *bytes, size_t length) {
    struct mote_job *job = stream->owner;
    if (bytes && (job->flags & (MOTE_JOB_TTY | MOTE_JOB_CONSOLE)) == MOTE_JOB_TTY) {
        return take_typed(job, bytes, length);
    }
    return job->program->take ? job->program->take(job, bytes, length)
                              : drop_input(stream, bytes, length);
}

enum mote_status mote_job_start(struct mote_session *session, struct mote_job *job,
                                const struct mote_program *program, uint8_t out, uint8_t err) {
    if (!job) {
        return MOTE_STATUS_RESOURCE_EXHAUSTED;
    }
    /* stderr takes the lower slot, and so is sent before the end of stdout, which tells the exit
     * code. */
    struct mote_stream *err_stream = err ? mote_stream_open(session, err, drop_input, job) : NULL;
    job->out = err && !err_stream ? NULL : mote_stream_open(session, out, take_input, job);
    if (!job->out) {
        if (err_stream) {
            err_stream->id = 0;
        }
        return MOTE_STATUS_RESOURCE_EXHAUSTED;
    }
    job->program = program;
    job->err = err_stream ? err_stream : job->out;
    job->err_id = err;
    job->out_id = out;
    return MOTE_STATUS_OK;
}

struct mote_job *mote_job_find(const struct mote_device *device, uint32_t out) {
    for (unsigned i = 0; i < MOTE_JOBS; i++) {
        struct mote_job *job = &device->jobs[i];
        if (job->out_id == out && (job->flags & MOTE_JOB_COMMAND)) {
            return job;
        }
    }
    return NULL;
}

void mote_job_signal(struct mote_job *job, uint32_t number) {
    job->exit_code = (int32_t)(128 + number);
    job->flags |= MOTE_JOB_SIGNALLED;
}

const char *mote_job_argument(const struct mote_job *job, unsigned index) {
    const char *argument = job->argv;
    if (index >= job->argc) {
        return "";
    }
    for (; index > 0; index--) {
        argument += strlen(argument) + 1;
    }
    return argument;
}

size_t mote_job_write(struct mote_job *job, struct mote_stream *stream, const void *bytes,
                      size_t length) {
    const uint8_t *at = bytes;
    if (!(job->flags & MOTE_JOB_TTY)) {
        return mote_stream_write(stream, bytes, length);
    }
    size_t written = 0;
    for (; written < length; written++) {
        bool feeds = at[written] == '\n';
        if (mote_stream_room(stream) < 1u + feeds) {
            break;
        }
        (void)mote_stream_write(stream, "\r", feeds);
        (void)mote_stream_write(stream, at + written, 1);
    }
    return written;
}
