#ifndef PORT_DEVICE_H
#define PORT_DEVICE_H

#include "mote/line.h"
#include "mote/session.h"

/*
 * The example device that all ports run: a session over one serial line, every command of the SDK,
 * and its shell. What is here is the application; a port provides what is declared at the end.
 */

/** All state of the core. Other memory belongs to the shell and to the port. */
extern struct mote_session device_session;
extern struct mote_line device_line;

/** Prepares and opens the session, and prints the banner. */
void device_start(const struct mote_session_config *config, const struct mote_boot *boot,
                  uint32_t now_ms);

/** What a port puts into the configuration of its session. */
#define DEVICE_CAPS                                                                                \
    (MOTE_CAP_EXEC | MOTE_CAP_LOG_READ | MOTE_CAP_REBOOT | MOTE_CAP_TIME | MOTE_CAP_STDERR)
#define DEVICE_FIRMWARE "motelet-c 0.1.0"
#define DEVICE_COMMANDS 7
extern const struct mote_command device_commands[DEVICE_COMMANDS];
extern const struct mote_exec device_exec;

/* From the port: */

/** Prints text on the console, outside frames. */
void port_print(const char *text);

/** The next frame is to break off in its middle, with a panic text and a restart, as a fault would
 * do it. */
void port_panic(void);

/** The high-water mark of the stack, bytes; 0 where it is not known. */
uint32_t port_stack_used(void);

/** What `info` tells. */
extern const struct mote_info port_info;

#endif
