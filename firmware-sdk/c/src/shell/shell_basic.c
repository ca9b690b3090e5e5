#include <string.h>

#include "mote/commands/print.h"
#include "mote/session.h"
#include "mote/shell/shell.h"

enum {
    REBOOT_AFTER_MS = 1000, /* what the end of the shell's reboot gets to arrive */
    USAGE_COLUMNS = 17,
    EXIT_NOT_FOUND = 127,
    MAX_EXIT_CODE = 255
};

#define LONGEST_SLEEP_S UINT32_C(86400)

static enum mote_step done_when(bool done) {
    return done ? MOTE_STEP_DONE : MOTE_STEP_WAIT;
}

enum mote_step mote_shell_fail(struct mote_job *job, int32_t code, const char *subject,
                               const char *what) {
    job->exit_code = code;
    if (!mote_print_begin(job, job->err)) {
        return MOTE_STEP_WAIT;
    }
    mote_print(job, job->argv);
    mote_print(job, ": ");
    mote_print(job, subject);
    if (what) {
        mote_print(job, ": ");
        mote_print(job, what);
    }
    mote_print(job, "\n");
    return done_when(mote_print_end(job));
}

enum mote_step mote_shell_not_found(struct mote_session *session, struct mote_job *job) {
    (void)session;
    return mote_shell_fail(job, EXIT_NOT_FOUND, "not found", NULL);
}

/* Characters of a text in UTF-8. */
static unsigned columns_of(const char *text) {
    unsigned columns = 0;
    for (; *text; text++) {
        columns += (*text & 0xc0) != 0x80;
    }
    return columns;
}

enum mote_step mote_shell_help(struct mote_session *session, struct mote_job *job) {
    (void)session;
    static const char blanks[] = "                 ";
    struct mote_shell_call call;
    if (!mote_shell_called(job, "", 0, 0, &call)) {
        return mote_shell_refuse(job, &call);
    }
    const struct mote_program *program = job->device->programs + job->state;
    if (!program->name) {
        return MOTE_STEP_DONE;
    }
    if (!mote_print_begin(job, job->out)) {
        return MOTE_STEP_WAIT;
    }
    unsigned columns = columns_of(program->name);
    mote_print(job, program->name);
    if (*program->usage) {
        columns += 1 + columns_of(program->usage);
        mote_print(job, " ");
        mote_print(job, program->usage);
    }
    mote_print(job, blanks + (columns < USAGE_COLUMNS ? columns : USAGE_COLUMNS - 1));
    mote_print(job, program->about);
    mote_print(job, "\n");
    if (!mote_print_end(job)) {
        return MOTE_STEP_WAIT;
    }
    job->state++;
    return MOTE_STEP_MORE;
}

/* Takes no options but -n, and prints whatever else it is given, as POSIX wants it. */
enum mote_step mote_shell_echo(struct mote_session *session, struct mote_job *job) {
    (void)session;
    bool ends_line = strcmp(mote_job_argument(job, 1), "-n") != 0;
    if (!mote_print_begin(job, job->out)) {
        return MOTE_STEP_WAIT;
    }
    for (unsigned i = ends_line ? 1 : 2; i < job->argc; i++) {
        mote_print(job, mote_job_argument(job, i));
        if (i + 1u < job->argc) {
            mote_print(job, " ");
        }
    }
    mote_print(job, ends_line ? "\n" : "");
    return done_when(mote_print_end(job));
}

enum mote_step mote_shell_uptime(struct mote_session *session, struct mote_job *job) {
    struct mote_shell_call call;
    if (!mote_shell_called(job, "", 0, 0, &call)) {
        return mote_shell_refuse(job, &call);
    }
    if (!mote_print_begin(job, job->out)) {
        return MOTE_STEP_WAIT;
    }
    mote_print(job, "up ");
    mote_print_number(job, session->uptime_s);
    mote_print(job, " s\n");
    return done_when(mote_print_end(job));
}

enum mote_step mote_shell_sleep(struct mote_session *session, struct mote_job *job) {
    struct mote_shell_call call;
    uint32_t seconds;
    if (!mote_shell_called(job, "", 1, 1, &call) ||
        !mote_parse_number(mote_job_argument(job, call.operand), LONGEST_SLEEP_S, &seconds)) {
        return mote_shell_refuse(job, &call);
    }
    if (job->state == 0) {
        job->state = 1;
        job->memory.word[0] = session->clock.now_ms + seconds * 1000u;
    }
    return done_when(mote_clock_due(&session->clock, job->memory.word[0]));
}

enum mote_step mote_shell_end(struct mote_job *job, int32_t code) {
    if (code >= 0 && code <= MAX_EXIT_CODE) {
        job->exit_code = code;
        return MOTE_STEP_DONE;
    }
    job->exit_code = MAX_EXIT_CODE;
    if (!mote_print_begin(job, job->err)) {
        return MOTE_STEP_WAIT;
    }
    mote_print(job, job->argv);
    mote_print(job, ": exit code ");
    if (code < 0) {
        mote_print(job, "-");
    }
    mote_print_number(job, code < 0 ? 0u - (uint32_t)code : (uint32_t)code);
    mote_print(job, ": expected 0 to 255\n");
    return done_when(mote_print_end(job));
}

enum mote_step mote_shell_exit(struct mote_session *session, struct mote_job *job) {
    (void)session;
    struct mote_shell_call call;
    uint32_t code = 0;
    if (!mote_shell_called(job, "", 0, 1, &call) ||
        (call.operand < job->argc &&
         !mote_parse_number(mote_job_argument(job, call.operand), INT32_MAX, &code))) {
        return mote_shell_refuse(job, &call);
    }
    job->flags |= MOTE_JOB_CLOSING;
    return mote_shell_end(job, (int32_t)code);
}

enum mote_step mote_shell_reboot(struct mote_session *session, struct mote_job *job) {
    struct mote_shell_call call;
    if (!mote_shell_called(job, "", 0, 0, &call)) {
        return mote_shell_refuse(job, &call);
    }
    mote_session_reboot(session, REBOOT_AFTER_MS);
    return MOTE_STEP_DONE;
}

enum mote_step mote_shell_size(struct mote_session *session, struct mote_job *job) {
    (void)session;
    struct mote_shell_call call;
    if (!mote_shell_called(job, "f", 0, 0, &call)) {
        return mote_shell_refuse(job, &call);
    }
    uint32_t size = (uint32_t)job->columns << 16 | job->rows;
    if (job->state && job->printed == 0 && size == job->memory.word[0]) {
        return MOTE_STEP_WAIT;
    }
    if (!mote_print_begin(job, job->out)) {
        return MOTE_STEP_WAIT;
    }
    if (job->printed == 0) {
        job->memory.word[0] = size;
    }
    job->state = 1;
    mote_print_number(job, job->memory.word[0] >> 16);
    mote_print(job, " ");
    mote_print_number(job, job->memory.word[0] & 0xffff);
    mote_print(job, "\n");
    return done_when(mote_print_end(job) && !call.given);
}
