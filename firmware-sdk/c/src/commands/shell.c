#include "mote/shell.h"

#include <string.h>

#include "mote/reports.h"
#include "mote/session.h"

/* What the end of the shell's reboot gets to arrive. */
enum { REBOOT_AFTER_MS = 1000 };

static enum mote_step done_when(bool done) {
    return done ? MOTE_STEP_DONE : MOTE_STEP_WAIT;
}

enum mote_step mote_shell_help(struct mote_session *session, struct mote_job *job) {
    (void)session;
    uint16_t from = 0;
    bool done = true;
    for (const struct mote_program *program = job->programs; done && program->name; program++) {
        done = mote_exec_print(job->out, &job->state, &from, program->name) &&
               mote_exec_print(job->out, &job->state, &from, program->help);
    }
    return done_when(done);
}

enum mote_step mote_shell_echo(struct mote_session *session, struct mote_job *job) {
    (void)session;
    uint16_t from = 0;
    bool done = true;
    for (unsigned i = 1; done && i < job->argc; i++) {
        done = mote_exec_print(job->out, &job->state, &from, mote_exec_argument(job, i)) &&
               (i + 1u == job->argc || mote_exec_print(job->out, &job->state, &from, " "));
    }
    return done_when(done && mote_exec_print(job->out, &job->state, &from, "\n"));
}

enum mote_step mote_shell_uptime(struct mote_session *session, struct mote_job *job) {
    /* "up 4294967295 s\n", right-aligned in its buffer; an empty output buffer has room for it in
     * one piece. */
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

size_t mote_shell_take(struct mote_stream *stream, const uint8_t *bytes, size_t length) {
    return bytes ? mote_stream_write(stream, bytes, length) : mote_stream_room(stream);
}

enum mote_step mote_shell_cat(struct mote_session *session, struct mote_job *job) {
    (void)session;
    return done_when(job->out->finished || !job->has_stdin);
}

enum mote_step mote_shell_log(struct mote_session *session, struct mote_job *job) {
    /* The arguments lie behind one another: a blank for each NUL between them makes one text. */
    for (unsigned i = 2; i < job->argc; i++) {
        job->argv[mote_exec_argument(job, 2) - job->argv - 1] = ' ';
    }
    mote_log(session, MOTE_INFO, mote_exec_argument(job, 1));
    return MOTE_STEP_DONE;
}

enum mote_step mote_shell_exit(struct mote_session *session, struct mote_job *job) {
    (void)session;
    for (const char *digit = mote_exec_argument(job, 1); *digit >= '0' && *digit <= '9'; digit++) {
        job->exit_code = (uint8_t)(job->exit_code * 10 + (*digit - '0'));
    }
    return MOTE_STEP_DONE;
}

enum mote_step mote_shell_reboot(struct mote_session *session, struct mote_job *job) {
    (void)job;
    mote_session_reboot(session, REBOOT_AFTER_MS);
    return MOTE_STEP_DONE;
}

enum mote_step mote_shell_not_found(struct mote_session *session, struct mote_job *job) {
    (void)session;
    uint16_t from = 0;
    job->exit_code = 127;
    return done_when(mote_exec_print(job->err, &job->state, &from, job->argv) &&
                     mote_exec_print(job->err, &job->state, &from, ": not found\n"));
}
