#include <string.h>

#include "mote/commands/print.h"
#include "mote/session.h"
#include "mote/shell/shell.h"

static const struct mote_setting *find(const struct mote_job *job, const char *name) {
    const struct mote_setting *setting = job->device->settings;
    while (setting->name && strcmp(setting->name, name) != 0) {
        setting++;
    }
    return setting->name ? setting : NULL;
}

enum mote_step mote_shell_get(struct mote_session *session, struct mote_job *job) {
    (void)session;
    struct mote_shell_call call;
    if (!mote_shell_called(job, "", 0, 1, &call)) {
        return mote_shell_refuse(job, &call);
    }
    bool all = call.operand == job->argc;
    const char *name = mote_job_argument(job, call.operand);
    const struct mote_setting *setting =
        all ? job->device->settings + job->state : find(job, name);
    if (all && !setting->name) {
        return MOTE_STEP_DONE;
    }
    if (!setting) {
        return mote_shell_fail(job, 1, name, "not found");
    }
    if (!mote_print_begin(job, job->out)) {
        return MOTE_STEP_WAIT;
    }
    if (all) {
        mote_print(job, setting->name);
        mote_print(job, "=");
    }
    mote_print(job, setting->value);
    mote_print(job, "\n");
    if (!mote_print_end(job)) {
        return MOTE_STEP_WAIT;
    }
    job->state++;
    return all ? MOTE_STEP_MORE : MOTE_STEP_DONE;
}

/* "set: prompt: expected at most 16 bytes" */
static enum mote_step refuse(struct mote_job *job, const struct mote_setting *setting) {
    job->exit_code = 1;
    if (!mote_print_begin(job, job->err)) {
        return MOTE_STEP_WAIT;
    }
    mote_print(job, "set: ");
    mote_print(job, setting->name);
    mote_print(job, ": expected at most ");
    mote_print_number(job, setting->max);
    mote_print(job, setting->max == 1 ? " byte\n" : " bytes\n");
    return mote_print_end(job) ? MOTE_STEP_DONE : MOTE_STEP_WAIT;
}

enum mote_step mote_shell_set(struct mote_session *session, struct mote_job *job) {
    (void)session;
    struct mote_shell_call call;
    if (!mote_shell_called(job, "", 2, MOTE_SHELL_ANY, &call)) {
        return mote_shell_refuse(job, &call);
    }
    const char *name = mote_job_argument(job, call.operand);
    const struct mote_setting *setting = find(job, name);
    if (!setting) {
        return mote_shell_fail(job, 1, name, "not found");
    }
    unsigned first = call.operand + 1u;
    size_t length = 0;
    for (unsigned i = first; i < job->argc; i++) {
        length += strlen(mote_job_argument(job, i)) + (i > first);
    }
    if (length > setting->max) {
        return refuse(job, setting);
    }
    char *to = setting->value;
    for (unsigned i = first; i < job->argc; i++) {
        const char *value = mote_job_argument(job, i);
        size_t count = strlen(value);
        if (i > first) {
            *to++ = ' ';
        }
        memcpy(to, value, count);
        to += count;
    }
    *to = '\0';
    return MOTE_STEP_DONE;
}
