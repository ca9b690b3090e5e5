#include "demo_device.h"

#include "mote/commands/console.h"
#include "mote/commands/print.h"

enum { LABEL_BYTES = 32, PROMPT_BYTES = 16 };

struct mote_session device_session;
struct mote_line device_line;
struct mote_job device_jobs[MOTE_JOBS];

struct mote_log_queue mote_log_queue;
const struct mote_log_drain device_drain = {&mote_log_queue, mote_jobs_run, &port_device};

static char label[LABEL_BYTES + 1], prompt[PROMPT_BYTES + 1] = ">";
static bool relay;

const struct mote_setting device_settings[] = {
    {"label", label, LABEL_BYTES}, {"prompt", prompt, PROMPT_BYTES}, {NULL, NULL, 0}};

int32_t device_get_relay(void *context) {
    (void)context;
    return relay;
}

void device_set_relay(void *context, bool on) {
    (void)context;
    relay = on;
}

static enum mote_step run_panic(struct mote_session *session, struct mote_job *job) {
    struct mote_shell_call call;
    (void)session;
    if (!mote_shell_called(job, "", 0, 0, &call)) {
        return mote_shell_refuse(job, &call);
    }
    port_panic();
    return MOTE_STEP_DONE;
}

static enum mote_step run_stack(struct mote_session *session, struct mote_job *job) {
    struct mote_shell_call call;
    (void)session;
    if (!mote_shell_called(job, "", 0, 0, &call)) {
        return mote_shell_refuse(job, &call);
    }
    if (!mote_print_begin(job, job->out)) {
        return MOTE_STEP_WAIT;
    }
    mote_print_number(job, port_stack_used());
    mote_print(job, "\n");
    return mote_print_end(job) ? MOTE_STEP_DONE : MOTE_STEP_WAIT;
}

const struct mote_program device_programs[] = {
    MOTE_SHELL_PROGRAMS,
    MOTE_SHELL_FILE_PROGRAMS,
    MOTE_SHELL_TASK_PROGRAMS,
    MOTE_SHELL_LOG_PROGRAMS,
    MOTE_SHELL_SETTING_PROGRAMS,
    MOTE_SHELL_LAST_PROGRAMS,
    {"panic", "", "faults in the middle of a frame", run_panic, NULL, NULL},
    {"stack", "", "high-water mark of the stack, bytes", run_stack, NULL, NULL},
    MOTE_SHELL_END,
};

const struct mote_command device_commands[DEVICE_COMMANDS] = {
    MOTE_COMMANDS_ALL(&port_device, &port_info)};

void device_print(const char *text) {
    port_print(text);
    mote_console_print(&port_device, text);
}

/* Decimal before `end`, without printf. */
static char *format_number(char *end, uint32_t number) {
    do {
        *--end = (char)('0' + number % 10u);
        number /= 10u;
    } while (number > 0);
    return end;
}

void device_start(const struct mote_session_config *config, const struct mote_boot *boot,
                  uint32_t now_ms) {
    char number[11] = "";
    port_print("\n" DEVICE_FIRMWARE " on ");
    port_print((const char *)config->identity->value[MOTE_BOARD].bytes);
    port_print(", boot ");
    port_print(format_number(number + sizeof number - 1, boot->number));
    port_print("\n");
    mote_session_init(&device_session, config, boot, now_ms);
    mote_log_boot(&device_session);
    mote_session_open(&device_session);
}
