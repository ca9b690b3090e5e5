#ifndef MOTE_SHELL_H
#define MOTE_SHELL_H

#include "mote/commands/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The shell's programs: names, output and exit codes as in firmware-sdk/reference/SHELL.md. A table
 * lists those that a device is to have; what it does not name is not linked.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different jobs, as all functions here: they are for
 * programs, which run in poll.
 */
typedef enum mote_step mote_shell_step(struct mote_session *session, struct mote_job *job);

mote_shell_step mote_shell_help, mote_shell_echo, mote_shell_uptime, mote_shell_sleep,
    mote_shell_exit, mote_shell_reboot, mote_shell_size, mote_shell_not_found;
mote_shell_step mote_shell_ls, mote_shell_cat, mote_shell_rm, mote_shell_df;
mote_shell_step mote_shell_ps, mote_shell_top, mote_shell_free;
mote_shell_step mote_shell_log, mote_shell_get, mote_shell_set;

/** The stdin function of cat. */
size_t mote_shell_take(struct mote_job *job, const uint8_t *bytes, size_t length);

/** A setting of the device: a text in RAM. */
struct mote_setting {
    const char *name;
    char *value; /* with a NUL: `max` + 1 bytes */
    uint8_t max;
};

/** How a program was called: its options, and the operands after them (POSIX, XBD 12.2). */
struct mote_shell_call {
    const char *value; /* of the option that has one; "" */
    const char *wrong; /* the letter of one that is not known, or NULL */
    uint16_t given;    /* a bit for each letter of `known`, from the lowest on */
    uint8_t operand;   /* the index of the first operand */
};

/**
 * Reads the options of the running program: the letters of `known`; a letter with a colon after
 * it has a value, e.g. "bn:". False: the call has wrong options, or not `min` to `max`
 * operands; then its step returns mote_shell_refuse. Call it in each step, before anything else.
 */
MOTE_MUST_USE bool mote_shell_called(const struct mote_job *job, const char *known, unsigned min,
                                     unsigned max, struct mote_shell_call *call);

/** Prints the unknown option, if there is one, and the usage; ends with 2. */
enum mote_step mote_shell_refuse(struct mote_job *job, const struct mote_shell_call *call);

/** Value of `max` for any number of operands. */
#define MOTE_SHELL_ANY 255u

/** Prints the usage of the running program on stderr; it ends with 2. */
enum mote_step mote_shell_usage(struct mote_job *job);

/** Prints "NAME: SUBJECT: WHAT" on stderr; ends with `code`. `what` may be NULL. */
enum mote_step mote_shell_fail(struct mote_job *job, int32_t code, const char *subject,
                               const char *what);

/**
 * Ends with an exit code. One outside 0 to 255, which a stream's end cannot carry, becomes 255,
 * with "NAME: exit code CODE: expected 0 to 255" on stderr.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: no.
 */
enum mote_step mote_shell_end(struct mote_job *job, int32_t code);

/* clang-format off */
#define MOTE_SHELL_PROGRAMS                                                                        \
    {"help", "", "lists the commands", mote_shell_help, NULL, NULL},                               \
    {"echo", "[-n] [TEXT…]", "prints its arguments", mote_shell_echo, NULL, NULL}

/** Rows of the shell for a device with files. */
#define MOTE_SHELL_FILE_PROGRAMS                                                                   \
    {"ls", "[-1Aal] [PATH]", "lists a directory", mote_shell_ls, NULL, NULL},                         \
    {"cat", "[-u] [PATH…]", "copies files, or its input, to its output", mote_shell_cat,           \
     mote_shell_take, NULL},                                                                       \
    {"rm", "[-Rfr] PATH…", "removes files", mote_shell_rm, NULL, NULL},                            \
    {"df", "", "room for files, in bytes", mote_shell_df, NULL, NULL}

/** Rows of the shell for a device with stats. */
#define MOTE_SHELL_TASK_PROGRAMS                                                                   \
    {"ps", "[-Aef]", "tasks, their processor time and stack", mote_shell_ps, NULL, NULL},          \
    {"top", "[-b] [-n N]", "use of processor and memory, again and again", mote_shell_top, NULL,   \
     NULL},                                                                                        \
    {"free", "[-b]", "heap, in bytes", mote_shell_free, NULL, NULL}

#define MOTE_SHELL_LOG_PROGRAMS                                                                    \
    {"uptime", "", "seconds since the boot", mote_shell_uptime, NULL, NULL},                       \
    {"log", "[-p|TEXT…]", "shows the log, or records a line in it", mote_shell_log, NULL, NULL}

/** Rows of the shell for a device with settings. */
#define MOTE_SHELL_SETTING_PROGRAMS                                                                \
    {"get", "[NAME]", "settings and their values", mote_shell_get, NULL, NULL},                    \
    {"set", "NAME VALUE…", "changes a setting", mote_shell_set, NULL, NULL}

#define MOTE_SHELL_LAST_PROGRAMS                                                                   \
    {"size", "[-f]", "columns and rows of the terminal", mote_shell_size, NULL, NULL},             \
    {"sleep", "N", "waits N seconds", mote_shell_sleep, NULL, NULL},                               \
    {"exit", "[CODE]", "ends with an exit code", mote_shell_exit, NULL, NULL},                       \
    {"reboot", "", "restarts the device", mote_shell_reboot, NULL, NULL}

/** The last row of the table; it handles unknown names. */
#define MOTE_SHELL_END {NULL, NULL, NULL, mote_shell_not_found, NULL, NULL}
/* clang-format on */

#ifdef __cplusplus
}
#endif

#endif
