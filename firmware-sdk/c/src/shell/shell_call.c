#include <string.h>

#include "mote/commands/print.h"
#include "mote/shell/shell.h"

enum { EXIT_USAGE = 2 };

bool mote_shell_called(const struct mote_job *job, const char *known, unsigned min, unsigned max,
                       struct mote_shell_call *call) {
    unsigned at = 1;
    memset(call, 0, sizeof *call);
    call->value = "";
    for (; at < job->argc; at++) {
        const char *word = mote_job_argument(job, at);
        if (word[0] != '-' || word[1] == '\0') {
            break;
        }
        if (strcmp(word, "--") == 0) {
            at++;
            break;
        }
        for (const char *letter = word + 1; *letter; letter++) {
            const char *place = *letter == ':' ? NULL : strchr(known, *letter);
            if (!place) {
                call->wrong = letter;
                return false;
            }
            call->given = (uint16_t)(call->given | 1u << (place - known));
            if (place[1] == ':') {
                call->value = letter[1] ? letter + 1 : mote_job_argument(job, ++at);
                break;
            }
        }
    }
    /* Beyond the last where an option lacks its value. */
    if (at > job->argc || job->argc - at < min || job->argc - at > max) {
        return false;
    }
    call->operand = (uint8_t)at;
    return true;
}

/* Ends a piece that was begun, with the usage. */
static enum mote_step end_with_usage(struct mote_job *job) {
    const struct mote_program *program = job->child ? job->child : job->program;
    mote_print(job, program->name);
    mote_print(job, ": usage: ");
    mote_print(job, program->name);
    if (*program->usage) {
        mote_print(job, " ");
        mote_print(job, program->usage);
    }
    mote_print(job, "\n");
    return mote_print_end(job) ? MOTE_STEP_DONE : MOTE_STEP_WAIT;
}

enum mote_step mote_shell_usage(struct mote_job *job) {
    job->exit_code = EXIT_USAGE;
    return mote_print_begin(job, job->err) ? end_with_usage(job) : MOTE_STEP_WAIT;
}

enum mote_step mote_shell_refuse(struct mote_job *job, const struct mote_shell_call *call) {
    char letter[2] = "";
    const char *wrong = call->wrong;
    if (!wrong) {
        return mote_shell_usage(job);
    }
    /* All of the rest if it is no letter: --all, -é. */
    if (*wrong > ' ' && *wrong <= '~' && *wrong != '-') {
        letter[0] = *wrong;
        wrong = letter;
    }
    job->exit_code = EXIT_USAGE;
    if (!mote_print_begin(job, job->err)) {
        return MOTE_STEP_WAIT;
    }
    mote_print(job, job->argv);
    mote_print(job, ": -");
    mote_print(job, wrong);
    mote_print(job, ": unknown option\n");
    return end_with_usage(job);
}
