#include "mote/commands/dial.h"

#include "mote/commands/arguments.h"
#include "mote/commands/commands.h"
#include "mote/session.h"

static size_t take_echo(struct mote_job *job, const uint8_t *bytes, size_t length) {
    return bytes ? mote_stream_write(job->out, bytes, length) : mote_stream_room(job->out);
}

static enum mote_step step_echo(struct mote_session *session, struct mote_job *job) {
    (void)session;
    return job->out->finished ? MOTE_STEP_DONE : MOTE_STEP_WAIT;
}

static const struct mote_program echo_program = {NULL, NULL, NULL, step_echo, take_echo, NULL};

static void drop(struct mote_job *job) {
    const struct mote_service *service = job->memory.connection.service;
    service->driver->close(service->context, job->memory.connection.handle);
}

static size_t take(struct mote_job *job, const uint8_t *bytes, size_t length) {
    const struct mote_service *service = job->memory.connection.service;
    int count = service->driver->write(service->context, job->memory.connection.handle, bytes,
                                       length);
    if (count < 0) {
        job->end_status = MOTE_STATUS_ABORTED;
        return length;
    }
    return (size_t)count;
}

/* Reads right into the stream's buffer. `state` is 1 when the end of the input is passed on. */
static enum mote_step step(struct mote_session *session, struct mote_job *job) {
    const struct mote_service *service = job->memory.connection.service;
    uint32_t *quiet_at_ms = &job->memory.connection.quiet_at_ms;
    uint32_t handle = job->memory.connection.handle;
    struct mote_stream *out = job->out;
    if (out->finished && job->state == 0) {
        job->state = 1;
        service->driver->end(service->context, handle);
        *quiet_at_ms = session->clock.now_ms;
    }
    size_t room = mote_stream_room(out);
    if (room > 0 && job->end_status == MOTE_STATUS_OK) {
        int count =
            service->driver->read(service->context, handle, out->buffer + out->length, room);
        if (count > 0) {
            out->length = (uint16_t)(out->length + (unsigned)count);
            *quiet_at_ms = session->clock.now_ms;
            return MOTE_STEP_MORE;
        }
        uint16_t linger_ms = service->driver->linger_ms;
        if (count == 0 && (job->state == 0 || linger_ms == 0 ||
                           !mote_clock_due(&session->clock, *quiet_at_ms + linger_ms))) {
            return MOTE_STEP_WAIT;
        }
        if (count == MOTE_SERVICE_BROKEN) {
            job->end_status = MOTE_STATUS_ABORTED;
        }
    } else if (job->end_status == MOTE_STATUS_OK) {
        return MOTE_STEP_WAIT;
    }
    drop(job);
    return MOTE_STEP_DONE;
}

static const struct mote_program service_program = {NULL, NULL, NULL, step, take, drop};

enum mote_status mote_command_dial(struct mote_session *session, const void *context,
                                   struct mote_message *request) {
    const struct mote_device *device = context;
    struct mote_arguments arguments = {request, MOTE_STATUS_OK};
    uint8_t stream = mote_arguments_stream(&arguments);
    uint32_t port = mote_arguments_uint(&arguments, 0xffff);
    if (port == 0) {
        arguments.status = MOTE_STATUS_INVALID_ARGUMENT;
    }
    if (arguments.status != MOTE_STATUS_OK) {
        return arguments.status;
    }
    const struct mote_service *service = device->services;
    while (service->port != port) {
        if ((service++)->port == 0) {
            return MOTE_STATUS_NOT_FOUND;
        }
    }
    struct mote_job *job = mote_job_reserve(device);
    const struct mote_program *program = service->driver ? &service_program : &echo_program;
    enum mote_status status = mote_job_start(session, job, program, stream, 0);
    if (status == MOTE_STATUS_OK && service->driver) {
        job->memory.connection.service = service;
        status = service->driver->open(service->context, &job->memory.connection.handle);
        if (status != MOTE_STATUS_OK) {
            job->out->id = 0;
            job->out_id = 0;
        }
    }
    return status;
}
