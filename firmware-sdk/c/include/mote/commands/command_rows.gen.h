/* Generated from profiles/src by make generate: do not edit. */
#ifndef MOTE_COMMAND_ROWS_GEN_H
#define MOTE_COMMAND_ROWS_GEN_H

#include "mote/dispatch.h"
#include "mote/profile.gen.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What carries out each command, in src/commands. For command tables: only poll calls them.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different sessions, as all functions here.
 */
mote_command_run mote_command_ping;
mote_command_run mote_command_reboot;
mote_command_run mote_command_info;
mote_command_run mote_command_time;
mote_command_run mote_command_exec;
mote_command_run mote_command_exec_control;
mote_command_run mote_command_console;
mote_command_run mote_command_log_read;
mote_command_run mote_command_stats;
mote_command_run mote_command_dial;
mote_command_run mote_command_file_stat;
mote_command_run mote_command_file_list;
mote_command_run mote_command_file_read;
mote_command_run mote_command_file_write;
mote_command_run mote_command_file_remove;
mote_command_run mote_command_file_rename;
mote_command_run mote_command_peripheral_list;
mote_command_run mote_command_peripheral_invoke;

/*
 * Rows for a command table: device points to a struct mote_device, info to a struct mote_info,
 * both static. A command that no table names is not linked. MOTE_COMMANDS is what each device has; the
 * others are those of a capability.
 */
/* clang-format off */
#define MOTE_COMMANDS(device, info) \
    {mote_command_ping, (device), MOTE_OP_PING, false}, \
    {mote_command_reboot, (device), MOTE_OP_REBOOT, true}, \
    {mote_command_info, (info), MOTE_OP_INFO, false}, \
    {mote_command_time, (device), MOTE_OP_TIME, false}, \
    {mote_command_exec, (device), MOTE_OP_EXEC, true}, \
    {mote_command_exec_control, (device), MOTE_OP_EXEC_CONTROL, false}, \
    {mote_command_log_read, (device), MOTE_OP_LOG_READ, false}

#define MOTE_COMMANDS_CONSOLE(device) \
    {mote_command_console, (device), MOTE_OP_CONSOLE, true}

#define MOTE_COMMANDS_STATS(device) \
    {mote_command_stats, (device), MOTE_OP_STATS, false}

#define MOTE_COMMANDS_DIAL(device) \
    {mote_command_dial, (device), MOTE_OP_DIAL, true}

#define MOTE_COMMANDS_FILES(device) \
    {mote_command_file_stat, (device), MOTE_OP_FILE_STAT, false}, \
    {mote_command_file_list, (device), MOTE_OP_FILE_LIST, false}, \
    {mote_command_file_read, (device), MOTE_OP_FILE_READ, true}, \
    {mote_command_file_write, (device), MOTE_OP_FILE_WRITE, true}, \
    {mote_command_file_remove, (device), MOTE_OP_FILE_REMOVE, true}, \
    {mote_command_file_rename, (device), MOTE_OP_FILE_RENAME, true}

#define MOTE_COMMANDS_PERIPHERALS(device) \
    {mote_command_peripheral_list, (device), MOTE_OP_PERIPHERAL_LIST, false}, \
    {mote_command_peripheral_invoke, (device), MOTE_OP_PERIPHERAL_INVOKE, true}

#define MOTE_COMMANDS_ALL(device, info) \
    MOTE_COMMANDS(device, info), \
    MOTE_COMMANDS_CONSOLE(device), \
    MOTE_COMMANDS_STATS(device), \
    MOTE_COMMANDS_DIAL(device), \
    MOTE_COMMANDS_FILES(device), \
    MOTE_COMMANDS_PERIPHERALS(device)

/* How many MOTE_COMMANDS_ALL are. */
#define MOTE_COMMANDS_COUNT 18

/* The capabilities of MOTE_COMMANDS, and of MOTE_COMMANDS_ALL (SPEC §9). */
#define MOTE_COMMANDS_CAPS \
    (MOTE_CAP_REBOOT | MOTE_CAP_TIME | MOTE_CAP_EXEC | MOTE_CAP_LOG_READ)
#define MOTE_COMMANDS_ALL_CAPS \
    (MOTE_COMMANDS_CAPS | MOTE_CAP_CONSOLE | MOTE_CAP_STATS | MOTE_CAP_DIAL | MOTE_CAP_FILES | MOTE_CAP_PERIPHERALS)

/* The capability that each command needs: op, capability. */
#define MOTE_CAPABILITY_TABLE(X) \
    X(REBOOT, REBOOT) \
    X(TIME, TIME) \
    X(EXEC, EXEC) \
    X(EXEC_CONTROL, EXEC) \
    X(CONSOLE, CONSOLE) \
    X(LOG_READ, LOG_READ) \
    X(STATS, STATS) \
    X(DIAL, DIAL) \
    X(FILE_STAT, FILES) \
    X(FILE_LIST, FILES) \
    X(FILE_READ, FILES) \
    X(FILE_WRITE, FILES) \
    X(FILE_REMOVE, FILES) \
    X(FILE_RENAME, FILES) \
    X(PERIPHERAL_LIST, PERIPHERALS) \
    X(PERIPHERAL_INVOKE, PERIPHERALS)
/* clang-format on */

#ifdef __cplusplus
}
#endif

#endif
