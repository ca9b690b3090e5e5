#ifndef MOTE_COMMANDS_H
#define MOTE_COMMANDS_H

#include "mote/dispatch.h"
#include "mote/exec.h"

/** What `info` tells (SPEC §6.2); `context` of mote_command_info. NULL or 0 leaves a value out. */
struct mote_info {
    const char *arch;
    const char *os;
    uint32_t ram_kib;
    uint32_t flash_kib;
};

mote_command_run mote_command_ping;         /* no context */
mote_command_run mote_command_reboot;       /* no context */
mote_command_run mote_command_info;         /* a struct mote_info */
mote_command_run mote_command_time;         /* no context */
mote_command_run mote_command_exec;         /* a struct mote_exec */
mote_command_run mote_command_exec_control; /* a struct mote_exec */
mote_command_run mote_command_log_read;     /* no context */

/** Rows for a command table with everything that is here; `exec` and `info` are pointers to static
 * memory. */
#define MOTE_COMMANDS(exec, info)                                                                  \
    {mote_command_ping, NULL, MOTE_OP_PING, false},                                                \
        {mote_command_reboot, NULL, MOTE_OP_REBOOT, true},                                         \
        {mote_command_info, (info), MOTE_OP_INFO, false},                                          \
        {mote_command_time, NULL, MOTE_OP_TIME, false},                                            \
        {mote_command_exec, (exec), MOTE_OP_EXEC, true},                                           \
        {mote_command_exec_control, (exec), MOTE_OP_EXEC_CONTROL, false}, {                        \
        mote_command_log_read, NULL, MOTE_OP_LOG_READ, false                                       \
    }

#endif
