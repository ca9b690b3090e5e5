#ifndef POSIX_SERIAL_H
#define POSIX_SERIAL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mote/platform.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes that wait for a slow reader; console text beyond them is lost, as on a real line. */
#define SERIAL_OUT_BYTES 16384

/**
 * A serial line of a process: a unix socket that accepts one connection at a time, or a pty. As
 * on a wire, bytes that nobody reads are lost, and the device does not notice.
 */
struct serial {
    int listener; /* −1 for a pty */
    int fd;       /* −1: nobody listens */
    bool is_pty;
    bool in_frame;
    bool panic_armed;
    unsigned frame_bytes;
    size_t in_at, in_length, out_length;
    uint8_t in[4096];
    uint8_t out[SERIAL_OUT_BYTES];
};

/** Listens on a unix socket; a stale one of the same path is replaced. Exits with a message if it
 * cannot. */
void serial_listen(struct serial *serial, const char *path);

/** Opens a pty and links it under `path`. Exits with a message if it cannot. */
void serial_open_pty(struct serial *serial, const char *path);

/** Keeps the descriptors over exec, in the environment: a line does not hang up when its device
 * restarts. */
void serial_hand_over(const struct serial *serial);

/** Takes over the descriptors of the previous process; false if there were none. */
bool serial_take_over(struct serial *serial);

/**
 * Waits for input, a connection or space for output, at most `wait_ms`, and moves bytes in both
 * directions; also waits for `others`, and sets their revents. A signal ends the wait: block all
 * signals outside of it.
 */
void serial_wait(struct serial *serial, uint32_t wait_ms, struct pollfd *others, unsigned count);

/** Maximum number of `others`. */
#define SERIAL_OTHERS 32

/** Writes the waiting bytes, for at most `wait_ms`. */
void serial_drain(struct serial *serial, uint32_t wait_ms);

/** Appends console text. */
void serial_print(struct serial *serial, const char *text);

/** The functions for mote_line. A frame that is written while `panic_armed` breaks off: see
 * serial_panic. */
extern const struct mote_port serial_port;

/**
 * Implemented by the application: called in the middle of a frame if panic_armed was set; does
 * not return.
 */
void serial_panic(struct serial *serial);

#ifdef __cplusplus
}
#endif

#endif
