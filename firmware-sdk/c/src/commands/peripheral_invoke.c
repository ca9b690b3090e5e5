#include "mote/commands/peripherals.h"

#include <string.h>

#include "mote/commands/commands.h"
#include "mote/commands/exec.h"
#include "mote/commands/print.h"
#include "mote/session.h"

enum { EXIT_FAILED = 1, EXIT_NOT_FOUND = 127 };

static void print_value(struct mote_job *job) {
    const struct mote_peripheral *peripheral = job->memory.peripheral;
    int32_t value = peripheral->get(peripheral->context);
    if (peripheral->set) {
        mote_print(job, value ? "on" : "off");
        return;
    }
    if (value < 0) {
        mote_print(job, "-");
    }
    mote_print_number(job, value < 0 ? 0u - (uint32_t)value : (uint32_t)value);
}

/* Words after `get` and `help`, and after a value that was set, are not known. */
static enum mote_step step(struct mote_session *session, struct mote_job *job) {
    (void)session;
    const struct mote_peripheral *peripheral = job->memory.peripheral;
    const char *word = job->argv, *value = mote_job_argument(job, 1);
    bool is_on = strcmp(value, "on") == 0;
    bool is_get = strcmp(word, "get") == 0, is_help = strcmp(word, "help") == 0;
    bool is_set = strcmp(word, "set") == 0 && peripheral->set;
    bool is_wrong = is_set && (job->argc != 2 || !(is_on || strcmp(value, "off") == 0));
    bool is_known = is_get || is_help || is_set;
    if (!is_known || is_wrong) {
        job->exit_code = is_known ? EXIT_FAILED : EXIT_NOT_FOUND;
        if (!mote_print_begin(job, job->err)) {
            return MOTE_STEP_WAIT;
        }
        mote_print(job, peripheral->name);
        mote_print(job, ": ");
        mote_print(job, is_known ? "expected on or off" : word);
        mote_print(job, is_known ? "\n" : ": not found\n");
        return mote_print_end(job) ? MOTE_STEP_DONE : MOTE_STEP_WAIT;
    }
    if (is_set) {
        peripheral->set(peripheral->context, is_on);
        return MOTE_STEP_DONE;
    }
    if (!mote_print_begin(job, job->out)) {
        return MOTE_STEP_WAIT;
    }
    if (is_get) {
        print_value(job);
        mote_print(job, "\n");
    } else {
        mote_print(job, peripheral->set ? "get              prints on or off\n"
                                          "set on|off       switches it\n"
                                        : "get              prints the reading\n");
        mote_print(job, "help             lists the commands\n");
    }
    return mote_print_end(job) ? MOTE_STEP_DONE : MOTE_STEP_WAIT;
}

static const struct mote_program peripheral_program = {NULL, NULL, NULL, step, NULL, NULL};

enum mote_status mote_command_peripheral_invoke(struct mote_session *session, const void *context,
                                                struct mote_message *request) {
    const struct mote_device *device = context;
    struct mote_invocation invocation;
    enum mote_status status = mote_exec_read(device, request, true, &invocation);
    if (status != MOTE_STATUS_OK) {
        return status;
    }
    const struct mote_span *name = &invocation.peripheral;
    const struct mote_peripheral *peripheral = device->peripherals;
    for (; peripheral->name; peripheral++) {
        if (strlen(peripheral->name) == name->length &&
            memcmp(peripheral->name, name->bytes, name->length) == 0) {
            if (invocation.job) {
                invocation.job->memory.peripheral = peripheral;
            }
            return mote_job_start(session, invocation.job, &peripheral_program, invocation.out,
                                  invocation.err);
        }
    }
    return MOTE_STATUS_NOT_FOUND;
}
