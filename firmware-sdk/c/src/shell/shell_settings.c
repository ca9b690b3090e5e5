#include <string.h>

#include "mote/print.h"
#include "mote/session.h"
#include "mote/shell.h"

static const struct mote_setting *find(const struct mote_job *job) {
    const struct mote_setting *setting = job->device->settings;
    while (setting->name && strcmp(setting->name, mote_job_argument(job, 1)) != 0) {
        setting++;
    }
    return setting->name ? setting : NULL;
}

enum mote_step mote_shell_get(struct mote_session *session, struct mote_job *job) {
    (void)session;
    bool all = job->argc == 1;
    const struct mote_setting *setting = all ? job->device->settings + job->state : find(job);
    if (job->argc > 2) {
        return mote_shell_usage(job);
    }
    if (all && !setting->name) {
        return MOTE_STEP_DONE;
    }
    if (!setting) {
        return mote_shell_fail(job, 1, mote_job_argument(job, 1), "not found");
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
    mote_print_number(job, setting->most);
    mote_print(job, setting->most == 1 ? " byte\n" : " bytes\n");
    return mote_print_end(job) ? MOTE_STEP_DONE : MOTE_STEP_WAIT;
}

enum mote_step mote_shell_set(struct mote_session *session, struct mote_job *job) {
    (void)session;
    if (job->argc < 3) {
        return mote_shell_usage(job);
    }
    const struct mote_setting *setting = find(job);
    if (!setting) {
        return mote_shell_fail(job, 1, mote_job_argument(job, 1), "not found");
    }
    size_t length = 0;
    for (unsigned i = 2; i < job->argc; i++) {
        length += strlen(mote_job_argument(job, i)) + (i > 2);
    }
    if (length > setting->most) {
        return refuse(job, setting);
    }
    char *to = setting->value;
    for (unsigned i = 2; i < job->argc; i++) {
        const char *value = mote_job_argument(job, i);
        size_t count = strlen(value);
        if (i > 2) {
            *to++ = ' ';
        }
        memcpy(to, value, count);
        to += count;
    }
    *to = '\0';
    return MOTE_STEP_DONE;
}
