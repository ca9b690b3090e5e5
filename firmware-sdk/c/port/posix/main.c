/*
 * The C SDK as a Linux process: a device on a unix socket or a pty.
 *
 *   mote-posix --unix PATH | --pty LINK [--state DIR] [--hardware-id HEX] [--board NAME] [--tick
 * SECONDS]
 *
 * SIGUSR1 breaks the next frame off with a panic text and restarts the device; SIGTERM and SIGINT
 * end the process.
 */
#define _XOPEN_SOURCE 700

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../device.h"
#include "boot.h"
#include "mote/commands.h"
#include "serial.h"

static struct serial serial;
static char **arguments;
static volatile sig_atomic_t panic_asked, stop_asked;

const struct mote_info port_info = {"posix", "linux", 0, 0};

struct options {
    const char *socket, *pty, *state, *board;
    uint8_t hardware_id[MOTE_LIMIT_HARDWARE_ID_BYTES];
    size_t hardware_id_length;
    uint32_t tick_ms;
};

static void usage(const char *wrong) {
    if (wrong) {
        fprintf(stderr, "mote-posix: %s\n", wrong);
    }
    fprintf(stderr, "usage: mote-posix --unix PATH | --pty LINK [--state DIR] [--hardware-id HEX] "
                    "[--board NAME] "
                    "[--tick SECONDS]\n");
    exit(2);
}

static void parse_hardware_id(struct options *options, const char *hex) {
    unsigned byte;
    int used;
    for (; *hex; hex += used) {
        if (options->hardware_id_length == sizeof options->hardware_id ||
            sscanf(hex, "%2x%n", &byte, &used) != 1 || used != 2) {
            usage("--hardware-id is 1 to 12 bytes in hex");
        }
        options->hardware_id[options->hardware_id_length++] = (uint8_t)byte;
    }
}

static struct options parse_options(int count, char **values) {
    struct options options = {.board = "posix"};
    for (int i = 1; i < count; i += 2) {
        const char *name = values[i], *value = values[i + 1];
        if (!value) {
            usage("an option without its value");
        } else if (strcmp(name, "--unix") == 0) {
            options.socket = value;
        } else if (strcmp(name, "--pty") == 0) {
            options.pty = value;
        } else if (strcmp(name, "--state") == 0) {
            options.state = value;
        } else if (strcmp(name, "--hardware-id") == 0) {
            parse_hardware_id(&options, value);
        } else if (strcmp(name, "--board") == 0) {
            options.board = value;
        } else if (strcmp(name, "--tick") == 0) {
            options.tick_ms = (uint32_t)(atof(value) * 1000);
        } else {
            usage(name);
        }
    }
    if (!options.socket == !options.pty) {
        usage("expected one of --unix and --pty");
    }
    if (strlen(options.board) > MOTE_LIMIT_BOARD_BYTES) {
        usage("--board is at most 16 bytes");
    }
    return options;
}

static uint32_t now_ms(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint32_t)time.tv_sec * 1000u + (uint32_t)(time.tv_nsec / 1000000);
}

static void restart(enum reset_cause cause) {
    serial_drain(&serial, 1000);
    serial_hand_over(&serial);
    boot_again(arguments, cause);
}

static void reboot(void *context) {
    (void)context;
    restart(RESET_SOFTWARE);
}

void serial_panic(struct serial *line) {
    serial_print(line, "\npanic: asked for, in the middle of a frame\n");
    restart(RESET_PANIC);
}

void port_panic(void) {
    serial.panic_armed = true;
    /* Something to send, and so to break off. */
    mote_log(&device_session, MOTE_ERROR, "a panic was asked for");
}

uint32_t port_stack_used(void) {
    return 0;
}

void port_print(const char *text) {
    serial_print(&serial, text);
}

static void take_signal(int number) {
    if (number == SIGUSR1) {
        panic_asked = 1;
    } else {
        stop_asked = 1;
    }
}

static void catch_signals(void) {
    /* Only serial_wait lets them in, so that none comes between a look at the flag and the wait. */
    struct sigaction action = {.sa_handler = take_signal};
    sigset_t caught;
    (void)sigemptyset(&caught);
    (void)sigaddset(&caught, SIGUSR1);
    (void)sigaddset(&caught, SIGTERM);
    (void)sigaddset(&caught, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &caught, NULL);
    (void)sigaction(SIGUSR1, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
}

/* Prints "tick N" each interval; returns the milliseconds until the next one. */
static uint32_t tick(const struct options *options, uint32_t start_ms) {
    static uint32_t ticks;
    uint32_t since = now_ms() - start_ms;
    if (options->tick_ms == 0) {
        return MOTE_WAIT_FOREVER;
    }
    while (since >= (ticks + 1) * options->tick_ms) {
        char text[32];
        (void)snprintf(text, sizeof text, "tick %u\n", (unsigned)++ticks);
        port_print(text);
    }
    return (ticks + 1) * options->tick_ms - since;
}

int main(int count, char **values) {
    arguments = values;
    struct options options = parse_options(count, values);
    catch_signals();
    if (!serial_take_over(&serial)) {
        if (options.socket) {
            serial_listen(&serial, options.socket);
        } else {
            serial_open_pty(&serial, options.pty);
        }
    }
    const struct mote_platform platform = {reboot, NULL};
    const struct mote_identity identity = {
        .value = {[MOTE_HARDWARE_ID] = {options.hardware_id, options.hardware_id_length},
                  [MOTE_BOARD] = {(const uint8_t *)options.board, strlen(options.board)},
                  [MOTE_FIRMWARE] = {(const uint8_t *)DEVICE_FIRMWARE, sizeof DEVICE_FIRMWARE - 1}},
    };
    const struct mote_session_config config = {
        .transport = &mote_line_transport,
        .transport_context = &device_line,
        .platform = &platform,
        .identity = &identity,
        .commands = device_commands,
        .command_count = DEVICE_COMMANDS,
        .caps = DEVICE_CAPS,
        .run = mote_exec_run,
        .run_context = &device_exec,
    };
    const struct mote_boot boot = boot_begin(options.state);
    uint32_t start_ms = now_ms();
    device_line.port = &serial_port;
    device_line.port_context = &serial;
    device_start(&config, &boot, start_ms);
    while (!stop_asked) {
        if (panic_asked) {
            port_panic();
        }
        uint32_t wait_ms = mote_session_poll(&device_session, now_ms());
        if (panic_asked && serial.panic_armed) {
            serial_panic(&serial); /* nothing was to be sent: outside a frame, then */
        }
        uint32_t tick_ms = tick(&options, start_ms);
        serial_wait(&serial, tick_ms < wait_ms ? tick_ms : wait_ms);
    }
    (void)unlink(options.socket ? options.socket : options.pty);
    return 0;
}
