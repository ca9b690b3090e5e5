#ifndef PORT_DEVICE_H
#define PORT_DEVICE_H

#include "mote/commands/commands.h"
#include "mote/commands/dial.h"
#include "mote/commands/peripherals.h"
#include "mote/commands/stats.h"
#include "mote/line.h"
#include "mote/log/log.h"
#include "mote/session.h"
#include "mote/shell/shell.h"
#include "mote/version.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The example device that all ports run: a session over one serial line, every command of the SDK,
 * and its shell. What is here is the application; a port provides what is declared at the end.
 */

/** All state of the core. Other memory belongs to the shell and to the port. */
extern struct mote_session device_session;
extern struct mote_line device_line;

/** Prepares and opens the session, prints the banner, and logs the boot. */
void device_start(const struct mote_session_config *config, const struct mote_boot *boot,
                  uint32_t now_ms);

/** Prints text on the line's console, and on those that streams have opened. */
void device_print(const char *text);

/** The part of the session's configuration that a port uses. */
#define DEVICE_CAPS (MOTE_COMMANDS_ALL_CAPS | MOTE_CAP_TTY | MOTE_CAP_STDERR)
#define DEVICE_FIRMWARE MOTE_SDK
#define DEVICE_COMMANDS MOTE_COMMANDS_COUNT
extern const struct mote_command device_commands[DEVICE_COMMANDS];

/** The session's `run` and its context. It empties `mote_log_queue`, whose lock is the port's. */
extern const struct mote_log_drain device_drain;

/** The parts that a port puts into its `port_device`. */
extern struct mote_job device_jobs[MOTE_JOBS];
extern const struct mote_program device_programs[];
extern const struct mote_setting device_settings[];
#define DEVICE_SHELL                                                                               \
    .jobs = device_jobs, .programs = device_programs, .settings = device_settings

/** A relay that is only a variable; used in the port's peripherals. */
int32_t device_get_relay(void *context);
void device_set_relay(void *context, bool on);

/* From the port: */

/** The context of the port's commands. */
extern const struct mote_device port_device;

/** Prints text on the console, outside frames. */
void port_print(const char *text);

/** Makes the next frame break off in its middle, with a panic text and a restart, like a fault. */
void port_panic(void);

/** The high-water mark of the stack, bytes; 0 if it is not known. */
uint32_t port_stack_used(void);

/** The values that `info` returns. */
extern const struct mote_info port_info;

#ifdef __cplusplus
}
#endif

#endif
