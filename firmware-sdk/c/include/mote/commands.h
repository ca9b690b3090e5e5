#ifndef MOTE_COMMANDS_H
#define MOTE_COMMANDS_H

#include "mote/device.h"
#include "mote/dispatch.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What `info` tells (SPEC §6.2); `context` of mote_command_info. NULL or 0 leaves a value out. */
struct mote_info {
    const char *arch;
    const char *os;
    uint32_t ram_kib;
    uint32_t flash_kib;
    uint8_t slots;          /* of firmware; 0: slot and state are left out */
    uint8_t firmware_slot;  /* the one that runs */
    uint8_t firmware_state; /* MOTE_FIRMWARE_… */
};

/*
 * What a command table names. Only poll calls them.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different sessions, as all functions here.
 */
mote_command_run mote_command_ping;     /* no context */
mote_command_run mote_command_reboot;   /* no context */
mote_command_run mote_command_info;     /* a struct mote_info */
mote_command_run mote_command_time;     /* no context */
mote_command_run mote_command_log_read; /* no context */

/* All of these: a struct mote_device. */
mote_command_run mote_command_exec;
mote_command_run mote_command_exec_control;
mote_command_run mote_command_console;
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

/** The device's clock as [s, ms]; false where it was never set. For commands. */
MOTE_MUST_USE bool mote_time_read(const struct mote_session *session, uint32_t now[2]);

/*
 * Rows for a command table, for a device that has what they are about; `device` and `info` are
 * pointers to static memory. What a table does not name is not linked.
 */
/* clang-format off */
#define MOTE_COMMANDS(device, info)                                                                \
    {mote_command_ping, NULL, MOTE_OP_PING, false},                                                \
    {mote_command_reboot, NULL, MOTE_OP_REBOOT, true},                                             \
    {mote_command_info, (info), MOTE_OP_INFO, false},                                              \
    {mote_command_time, NULL, MOTE_OP_TIME, false},                                                \
    {mote_command_exec, (device), MOTE_OP_EXEC, true},                                             \
    {mote_command_exec_control, (device), MOTE_OP_EXEC_CONTROL, false},                            \
    {mote_command_log_read, NULL, MOTE_OP_LOG_READ, false}

#define MOTE_FILE_COMMANDS(device)                                                                 \
    {mote_command_file_stat, (device), MOTE_OP_FILE_STAT, false},                                  \
    {mote_command_file_list, (device), MOTE_OP_FILE_LIST, false},                                  \
    {mote_command_file_read, (device), MOTE_OP_FILE_READ, true},                                   \
    {mote_command_file_write, (device), MOTE_OP_FILE_WRITE, true},                                 \
    {mote_command_file_remove, (device), MOTE_OP_FILE_REMOVE, true},                               \
    {mote_command_file_rename, (device), MOTE_OP_FILE_RENAME, true}

#define MOTE_CONSOLE_COMMAND(device) {mote_command_console, (device), MOTE_OP_CONSOLE, true}
#define MOTE_STATS_COMMAND(device) {mote_command_stats, (device), MOTE_OP_STATS, false}
#define MOTE_DIAL_COMMAND(device) {mote_command_dial, (device), MOTE_OP_DIAL, true}
#define MOTE_PERIPHERAL_COMMANDS(device)                                                           \
    {mote_command_peripheral_list, (device), MOTE_OP_PERIPHERAL_LIST, false},                      \
    {mote_command_peripheral_invoke, (device), MOTE_OP_PERIPHERAL_INVOKE, true}
/* clang-format on */

#ifdef __cplusplus
}
#endif

#endif
