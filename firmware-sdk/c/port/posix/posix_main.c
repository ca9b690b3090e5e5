/*
 * The C SDK as a Linux process: a device on a unix socket or a pty.
 *
 *   mote-posix --unix PATH | --pty LINK [--state DIR] [--hardware-id HEX] [--board NAME]
 *     [--tick SECONDS] [--service PORT=ADDRESS:PORT]…
 *
 * With --state boots are counted, and files and the log of earlier boots outlive the process. A
 * service is what `kubectl port-forward` reaches in addition to the echo at port 7, at a numeric IPv4
 * address.
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

#include "../demo_device.h"
#include "build_id.h"
#include "posix_boot.h"
#include "posix_files.h"
#include "ring.h"
#include "serial.h"
#include "tcp.h"

/* Services that can be given. */
enum { SERVICES = 8 };

static struct serial serial;
static char **arguments;
static volatile sig_atomic_t panic_asked, stop_asked;

const struct mote_info port_info = {"posix", "linux", 0, 0, 1, 0, MOTE_FIRMWARE_CONFIRMED};

static struct tcp_address addresses[SERVICES];
/* The echo, those that were given, and the end. */
static struct mote_service services[SERVICES + 2] = {{MOTE_ECHO_PORT, NULL, NULL}};

static const struct mote_peripheral peripherals[] = {
    {"relay0", "relay", device_get_relay, device_set_relay, NULL}, {NULL, NULL, NULL, NULL, NULL}};

static struct timespec cpu_at_boot;

/* Of the process: a restart within it (boot_again) goes on counting. */
static void get_busy(void *context, uint32_t cpu[2]) {
    struct timespec now;
    (void)context;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    int64_t ms = (now.tv_sec - cpu_at_boot.tv_sec) * 1000 +
                 (now.tv_nsec - cpu_at_boot.tv_nsec) / 1000000;
    cpu[0] = (uint32_t)(ms / 1000);
    cpu[1] = (uint32_t)(ms % 1000);
}

static bool get_task(void *context, unsigned index, struct mote_task *task) {
    task->name = "main";
    task->state = MOTE_TASK_RUNNING;
    task->has_cpu = true;
    task->stack_free = MOTE_STATS_UNKNOWN;
    get_busy(context, task->cpu);
    return index == 0;
}

static const struct mote_stats_source stats = {get_busy, get_task, NULL, NULL};

const struct mote_device port_device = {
    DEVICE_SHELL,
    .files = &mote_flash_store,
    .files_context = &posix_files,
    .stats = &stats,
    .services = services,
    .peripherals = peripherals,
};

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
                    "[--tick SECONDS] [--service PORT=ADDRESS:PORT]\n");
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

static void parse_service(const char *text) {
    unsigned i = 1, port, at;
    char host[46];
    while (services[i].port) {
        i++;
    }
    if (i > SERVICES || sscanf(text, "%5u=%45[0-9.]:%5u", &port, host, &at) != 3 || port == 0 ||
        port > 0xffff || at == 0 || at > 0xffff) {
        usage("--service is PORT=ADDRESS:PORT, at most 8 of them");
    }
    strcpy(addresses[i - 1].host, host);
    addresses[i - 1].port = (uint16_t)at;
    const struct mote_service service = {(uint16_t)port, &tcp_driver, &addresses[i - 1]};
    services[i] = service;
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
        } else if (strcmp(name, "--service") == 0) {
            parse_service(value);
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
    ring_save(&device_session);
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
        device_print(text);
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
                  [MOTE_FIRMWARE] = {(const uint8_t *)DEVICE_FIRMWARE, sizeof DEVICE_FIRMWARE - 1},
                  [MOTE_BUILD_ID] = posix_build_id()},
    };
    const struct mote_session_config config = {
        .transport = &mote_line_transport,
        .transport_context = &device_line,
        .platform = &platform,
        .identity = &identity,
        .commands = device_commands,
        .command_count = DEVICE_COMMANDS,
        .caps = DEVICE_CAPS,
        .run = mote_log_queue_run,
        .run_context = &device_drain,
    };
    struct mote_boot boot = boot_begin(options.state);
    files_mount(options.state);
    ring_begin(options.state, &device_session, &boot);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu_at_boot);
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
        ring_save(&device_session);
        uint32_t tick_ms = tick(&options, start_ms);
        if (mote_log_queue_is_ready(&mote_log_queue) && wait_ms > 1) {
            wait_ms = 1; /* what the poll itself has logged */
        }
        struct pollfd waits[MOTE_JOBS];
        unsigned wait_count = tcp_waits(waits);
        serial_wait(&serial, tick_ms < wait_ms ? tick_ms : wait_ms, waits, wait_count);
        tcp_waited(waits, wait_count);
    }
    (void)unlink(options.socket ? options.socket : options.pty);
    return 0;
}
