#ifndef MOTE_SHELL_H
#define MOTE_SHELL_H

#include "mote/exec.h"

enum mote_step mote_shell_help(struct mote_session *session, struct mote_job *job);
enum mote_step mote_shell_echo(struct mote_session *session, struct mote_job *job);
enum mote_step mote_shell_uptime(struct mote_session *session, struct mote_job *job);
enum mote_step mote_shell_cat(struct mote_session *session, struct mote_job *job);
enum mote_step mote_shell_log(struct mote_session *session, struct mote_job *job);
enum mote_step mote_shell_exit(struct mote_session *session, struct mote_job *job);
enum mote_step mote_shell_reboot(struct mote_session *session, struct mote_job *job);
enum mote_step mote_shell_not_found(struct mote_session *session, struct mote_job *job);
mote_stream_take mote_shell_take; /* stdin of cat */

/** Rows for a table of programs; rows of the application go between them and MOTE_SHELL_END. */
#define MOTE_SHELL_PROGRAMS                                                                        \
    {"help", "             lists the commands\n", mote_shell_help, NULL},                          \
        {"echo", " TEXT…       prints its arguments\n", mote_shell_echo, NULL},                    \
        {"uptime", "           seconds since the boot\n", mote_shell_uptime, NULL},                \
        {"cat", "              copies its input to its output\n", mote_shell_cat,                  \
         mote_shell_take},                                                                         \
        {"log", " TEXT…        records a line in the log\n", mote_shell_log, NULL},                \
        {"exit", " CODE        ends with an exit code\n", mote_shell_exit, NULL}, {                \
        "reboot", "           restarts the device\n", mote_shell_reboot, NULL                      \
    }

/** The row that ends the table, and answers for names that are not in it. */
#define MOTE_SHELL_END                                                                             \
    { NULL, NULL, mote_shell_not_found, NULL }

#endif
