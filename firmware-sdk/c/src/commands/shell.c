#include <stdlib.h>
#include <string.h>

#include "mote/exec.h"
#include "mote/session.h"

/* How long the reboot of the shell waits for its own output to arrive. */
enum { REBOOT_WITHIN_MS = 1000 };

static enum mote_step done_when(bool done) {
    return done ? MOTE_STEP_DONE : MOTE_STEP_WAIT;
}

static enum mote_step help(struct mote_session *session, struct mote_job *job) {
    (void)session;
    uint16_t from = 0;
    bool done = true;
    for (const struct mote_program *program = mote_shell_programs; done && program->name; program++) {
        done = mote_exec_print(job->out, &job->state, &from, program->name) &&
               mote_exec_print(job->out, &job->state, &from, program->help);
    }
    return done_when(done);
}

static enum mote_step echo(struct mote_session *session, struct mote_job *job) {
    (void)session;
    uint16_t from = 0;
    bool done = true;
    for (unsigned i = 1; done && i < job->argc; i++) {
        done = mote_exec_print(job->out, &job->state, &from, mote_exec_argument(job, i)) &&
               (i + 1u == job->argc || mote_exec_print(job->out, &job->state, &from, " "));
    }
    return done_when(done && mote_exec_print(job->out, &job->state, &from, "\n"));
}

static enum mote_step uptime(struct mote_session *session, struct mote_job *job) {
    /* "up 4294967295 s\n", right-aligned in its buffer; an empty output buffer has room for it in one piece. */
    char text[] = "up            s\n";
    char *digit = text + sizeof text - 4;
    uint32_t seconds = session->uptime_s;
    do {
        *--digit = (char)('0' + seconds % 10u);
        seconds /= 10u;
    } while (seconds > 0);
    uint16_t from = 0;
    (void)mote_exec_print(job->out, &job->state, &from, "up ");
    return done_when(mote_exec_print(job->out, &job->state, &from, digit));
}

static size_t take_for_cat(struct mote_stream *stream, const uint8_t *bytes, size_t length) {
    return bytes ? mote_stream_write(stream, bytes, length) : mote_stream_room(stream);
}

static enum mote_step cat(struct mote_session *session, struct mote_job *job) {
    (void)session;
    return done_when(job->out->finished || !job->has_stdin);
}

static enum mote_step leave(struct mote_session *session, struct mote_job *job) {
    (void)session;
    job->exit_code = (uint8_t)atoi(mote_exec_argument(job, 1));
    return MOTE_STEP_DONE;
}

static enum mote_step reboot(struct mote_session *session, struct mote_job *job) {
    (void)job;
    mote_session_reboot(session, REBOOT_WITHIN_MS);
    return MOTE_STEP_DONE;
}

static enum mote_step not_found(struct mote_session *session, struct mote_job *job) {
    (void)session;
    uint16_t from = 0;
    job->exit_code = 127;
    return done_when(mote_exec_print(job->err, &job->state, &from, job->argv) &&
                     mote_exec_print(job->err, &job->state, &from, ": not found\n"));
}

const struct mote_program mote_shell_programs[] = {
    {"help", "             lists the commands\n", help, NULL},
    {"echo", " TEXT…       prints its arguments\n", echo, NULL},
    {"uptime", "           seconds since the boot\n", uptime, NULL},
    {"cat", "              copies its input to its output\n", cat, take_for_cat},
    {"exit", " CODE        ends with an exit code\n", leave, NULL},
    {"reboot", "           restarts the device\n", reboot, NULL},
    {NULL, NULL, not_found, NULL},
};
