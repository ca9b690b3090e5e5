#ifndef MOTE_SHELL_H
#define MOTE_SHELL_H

#include "mote/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The shell's programs: names, output and exit codes as in firmware-sdk/reference/SHELL.md. A table
 * lists those that a device is to have; what it does not name is not linked.
 */
typedef enum mote_step mote_shell_step(struct mote_session *session, struct mote_job *job);

mote_shell_step mote_shell_help, mote_shell_echo, mote_shell_uptime, mote_shell_sleep,
    mote_shell_exit, mote_shell_reboot, mote_shell_size, mote_shell_not_found;
mote_shell_step mote_shell_ls, mote_shell_cat, mote_shell_rm, mote_shell_df;
mote_shell_step mote_shell_ps, mote_shell_top, mote_shell_free;
mote_shell_step mote_shell_log, mote_shell_get, mote_shell_set;

/** stdin of cat. */
size_t mote_shell_take(struct mote_job *job, const uint8_t *bytes, size_t length);

/** A setting of the device: a text in RAM. */
struct mote_setting {
    const char *name;
    char *value; /* with a NUL: `most` + 1 bytes */
    uint8_t most;
};

/** Prints the usage of the running program on stderr; it ends with 2. */
enum mote_step mote_shell_usage(struct mote_job *job);

/** Prints "NAME: SUBJECT: WHAT" on stderr; ends with `code`. `what` may be NULL. */
enum mote_step mote_shell_fail(struct mote_job *job, uint8_t code, const char *subject,
                               const char *what);

/* clang-format off */
#define MOTE_SHELL_PROGRAMS                                                                        \
    {"help", "", "lists the commands", mote_shell_help, NULL, NULL},                               \
    {"echo", "TEXT…", "prints its arguments", mote_shell_echo, NULL, NULL}

/** For a device with files. */
#define MOTE_SHELL_FILE_PROGRAMS                                                                   \
    {"ls", "[-l] [PATH]", "lists a directory", mote_shell_ls, NULL, NULL},                         \
    {"cat", "[PATH…]", "copies files, or its input, to its output", mote_shell_cat,                \
     mote_shell_take, NULL},                                                                       \
    {"rm", "PATH…", "removes files", mote_shell_rm, NULL, NULL},                                   \
    {"df", "", "room for files, in bytes", mote_shell_df, NULL, NULL}

/** For a device with stats. */
#define MOTE_SHELL_TASK_PROGRAMS                                                                   \
    {"ps", "", "tasks, their processor time and stack", mote_shell_ps, NULL, NULL},                \
    {"top", "[-n N]", "use of processor and memory, again and again", mote_shell_top, NULL, NULL}, \
    {"free", "", "heap, in bytes", mote_shell_free, NULL, NULL}

#define MOTE_SHELL_LOG_PROGRAMS                                                                    \
    {"uptime", "", "seconds since the boot", mote_shell_uptime, NULL, NULL},                       \
    {"log", "[-p|TEXT…]", "shows the log, or records a line in it", mote_shell_log, NULL, NULL}

/** For a device with settings. */
#define MOTE_SHELL_SETTING_PROGRAMS                                                                \
    {"get", "[NAME]", "settings and their values", mote_shell_get, NULL, NULL},                    \
    {"set", "NAME VALUE…", "changes a setting", mote_shell_set, NULL, NULL}

#define MOTE_SHELL_LAST_PROGRAMS                                                                   \
    {"size", "[-f]", "columns and rows of the terminal", mote_shell_size, NULL, NULL},             \
    {"sleep", "N", "waits so many seconds", mote_shell_sleep, NULL, NULL},                         \
    {"exit", "CODE", "ends with an exit code", mote_shell_exit, NULL, NULL},                       \
    {"reboot", "", "restarts the device", mote_shell_reboot, NULL, NULL}

/** The row that ends the table, and answers for names that are not in it. */
#define MOTE_SHELL_END {NULL, NULL, NULL, mote_shell_not_found, NULL, NULL}
/* clang-format on */

#ifdef __cplusplus
}
#endif

#endif
