#include "device.h"

#include "mote/commands.h"
#include "mote/shell.h"

struct mote_session device_session;
struct mote_line device_line;

static enum mote_step run_panic(struct mote_session *session, struct mote_job *job) {
    (void)session, (void)job;
    port_panic();
    return MOTE_STEP_DONE;
}

/* Decimal before `end`, without printf. */
static char *format_number(char *end, uint32_t number) {
    do {
        *--end = (char)('0' + number % 10u);
        number /= 10u;
    } while (number > 0);
    return end;
}

static enum mote_step run_stack(struct mote_session *session, struct mote_job *job) {
    char text[12] = "";
    uint16_t from = 0;
    (void)session;
    text[sizeof text - 2] = '\n';
    text[sizeof text - 1] = '\0';
    (void)mote_exec_print(job->out, &job->state, &from,
                          format_number(text + sizeof text - 2, port_stack_used()));
    return MOTE_STEP_DONE;
}

static const struct mote_program programs[] = {
    MOTE_SHELL_PROGRAMS,
    {"panic", "            faults in the middle of a frame\n", run_panic, NULL},
    {"stack", "            high-water mark of the stack, bytes\n", run_stack, NULL},
    MOTE_SHELL_END,
};

static struct mote_job jobs[MOTE_EXEC_JOBS];
const struct mote_exec device_exec = {programs, jobs};

const struct mote_command device_commands[DEVICE_COMMANDS] = {
    MOTE_COMMANDS(&device_exec, &port_info)};

void device_start(const struct mote_session_config *config, const struct mote_boot *boot,
                  uint32_t now_ms) {
    char number[11] = "";
    port_print("\n" DEVICE_FIRMWARE " on ");
    port_print((const char *)config->identity->value[MOTE_BOARD].bytes);
    port_print(", boot ");
    port_print(format_number(number + sizeof number - 1, boot->number));
    port_print("\n");
    mote_session_init(&device_session, config, boot, now_ms);
    mote_session_open(&device_session);
}
