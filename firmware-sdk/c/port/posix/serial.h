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
 * A serial line of a process: a unix socket that takes one connection at a time, or a pty. As with
 * a wire, what is written while nobody listens is lost, and the device notices nothing of it.
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

/** Takes over what the process before left; false if there was none. */
bool serial_take_over(struct serial *serial);

/**
 * Waits for input, a connection or room for output, at most `wait_ms`, and moves bytes both ways;
 * also for `others`, whose revents it sets. A
 * signal ends it: all are to be blocked outside, and come in here.
 */
void serial_wait(struct serial *serial, uint32_t wait_ms, struct pollfd *others, unsigned count);

/** How many others a wait takes. */
#define SERIAL_OTHERS 32

/** Writes out what waits, for at most `wait_ms`. */
void serial_drain(struct serial *serial, uint32_t wait_ms);

/** Appends console text. */
void serial_print(struct serial *serial, const char *text);

/** The functions for mote_line. A frame that is written while `panic_armed` breaks off: see
 * serial_panic. */
extern const struct mote_port serial_port;

/** Given by the application: called in the middle of a frame where panic_armed was set; does not
 * return. */
void serial_panic(struct serial *serial);

#ifdef __cplusplus
}
#endif

#endif
