#define _GNU_SOURCE

#include "serial.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "mote/frame.h"

/* How often a pty that nobody has open is looked at: its hang-up state cannot be waited for. */
#define PTY_POLL_MS 20

/* Bytes of a frame before a panic breaks it off. */
#define PANIC_AFTER_BYTES 5

static const char environment[] = "MOTE_POSIX_LINE";

static void fail(const char *what, const char *path) {
    fprintf(stderr, "mote-posix: cannot %s %s: %s\n", what, path, strerror(errno));
    exit(1);
}

static void set_nonblocking(int fd) {
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

void serial_listen(struct serial *serial, const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        fail("listen on", path);
    }
    strcpy(address.sun_path, path);
    serial->fd = -1;
    serial->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)unlink(path);
    if (serial->listener < 0 ||
        bind(serial->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(serial->listener, 8) != 0) {
        fail("listen on", path);
    }
    set_nonblocking(serial->listener);
}

void serial_open_pty(struct serial *serial, const char *path) {
    struct termios mode;
    serial->listener = -1;
    serial->is_pty = true;
    serial->fd = posix_openpt(O_RDWR | O_NOCTTY);
    if (serial->fd < 0 || grantpt(serial->fd) != 0 || unlockpt(serial->fd) != 0) {
        fail("open a pty for", path);
    }
    const char *name = ptsname(serial->fd);
    /* Raw from the start, whoever opens it. Closed again, so that it is seen whether anybody else
     * has it open. */
    int other = name ? open(name, O_RDWR | O_NOCTTY) : -1;
    if (other < 0 || tcgetattr(other, &mode) != 0) {
        fail("open the pty for", path);
    }
    mode.c_iflag &= (tcflag_t) ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    mode.c_oflag &= (tcflag_t)~OPOST;
    mode.c_lflag &= (tcflag_t) ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    (void)tcsetattr(other, TCSANOW, &mode);
    (void)close(other);
    (void)unlink(path);
    if (symlink(name, path) != 0) {
        fail("link the pty as", path);
    }
    set_nonblocking(serial->fd);
}

void serial_hand_over(const struct serial *serial) {
    char text[64];
    (void)snprintf(text, sizeof text, "%d %d %d", serial->listener, serial->fd, serial->is_pty);
    (void)setenv(environment, text, 1);
}

bool serial_take_over(struct serial *serial) {
    const char *text = getenv(environment);
    int is_pty;
    if (!text || sscanf(text, "%d %d %d", &serial->listener, &serial->fd, &is_pty) != 3) {
        return false;
    }
    serial->is_pty = is_pty != 0;
    return true;
}

static void hang_up(struct serial *serial) {
    if (!serial->is_pty && serial->fd >= 0) {
        (void)close(serial->fd);
        serial->fd = -1;
    }
    serial->out_length = 0;
}

static void flush(struct serial *serial) {
    size_t written = 0;
    while (serial->fd >= 0 && written < serial->out_length) {
        ssize_t count = write(serial->fd, serial->out + written, serial->out_length - written);
        if (count <= 0) {
            if (count < 0 && errno != EAGAIN && errno != EINTR) {
                hang_up(serial);
                return;
            }
            break;
        }
        written += (size_t)count;
    }
    serial->out_length -= written;
    memmove(serial->out, serial->out + written, serial->out_length);
}

void serial_wait(struct serial *serial, uint32_t wait_ms, struct pollfd *others, unsigned count) {
    struct pollfd all[1 + SERIAL_OTHERS] = {{.fd = serial->fd >= 0 ? serial->fd : serial->listener,
                                             .events = POLLIN}};
    struct pollfd *line = all;
    memcpy(all + 1, others, count * sizeof *others);
    flush(serial);
    if (serial->out_length > 0 && serial->fd >= 0) {
        line->events |= POLLOUT;
    }
    struct timespec wait = {(time_t)(wait_ms / 1000), (long)(wait_ms % 1000) * 1000000};
    sigset_t none;
    (void)sigemptyset(&none);
    if (ppoll(all, 1 + count, &wait, &none) <= 0) {
        return;
    }
    memcpy(others, all + 1, count * sizeof *others);
    if (!line->revents) {
        return;
    }
    if (serial->fd < 0) {
        serial->fd = accept(serial->listener, NULL, NULL);
        if (serial->fd >= 0) {
            set_nonblocking(serial->fd);
        }
        return;
    }
    if (line->revents & POLLIN && serial->in_at == serial->in_length) {
        ssize_t got = read(serial->fd, serial->in, sizeof serial->in);
        serial->in_at = 0;
        serial->in_length = got > 0 ? (size_t)got : 0;
        if (got == 0 && !serial->is_pty) {
            hang_up(serial);
        }
    } else if (line->revents & (POLLHUP | POLLERR)) {
        hang_up(serial);
        if (serial->is_pty) {
            /* The wait above ended at once, and so let no signal in. */
            const struct timespec again = {0, PTY_POLL_MS * 1000000L};
            (void)ppoll(NULL, 0, wait_ms < PTY_POLL_MS ? &wait : &again, &none);
        }
    }
    flush(serial);
}

void serial_drain(struct serial *serial, uint32_t wait_ms) {
    for (; serial->out_length > 0 && serial->fd >= 0; wait_ms--) {
        flush(serial);
        if (wait_ms == 0 || serial->out_length == 0) {
            return;
        }
        (void)poll(NULL, 0, 1);
    }
}

static void put(struct serial *serial, uint8_t byte) {
    if (serial->fd >= 0 && serial->out_length < sizeof serial->out) {
        serial->out[serial->out_length++] = byte;
    }
}

void serial_print(struct serial *serial, const char *text) {
    for (; *text; text++) {
        put(serial, (uint8_t)*text);
    }
}

static int read_byte(void *context) {
    struct serial *serial = context;
    return serial->in_at < serial->in_length ? serial->in[serial->in_at++] : -1;
}

static bool is_ready(void *context) {
    const struct serial *serial = context;
    return sizeof serial->out - serial->out_length >= MOTE_FRAME_BYTES;
}

static void write_byte(void *context, uint8_t byte, bool last) {
    struct serial *serial = context;
    put(serial, byte);
    serial->frame_bytes = last ? 0 : serial->frame_bytes + 1;
    if (serial->panic_armed && serial->frame_bytes == PANIC_AFTER_BYTES) {
        serial_panic(serial);
    }
}

const struct mote_port serial_port = {read_byte, is_ready, write_byte, NULL};
