/*
 * A whole device in one file, with parts of its own: a command, files, a service, peripherals.
 * EXTENDING.md goes through it. It runs as a process, over a unix socket:
 *
 *   build/c/greenhouse LINK
 */
#define _DEFAULT_SOURCE

#include <string.h>
#include <time.h>

#include "../port/posix/serial.h"
#include "mote/commands/commands.h"
#include "mote/commands/dial.h"
#include "mote/commands/peripherals.h"
#include "mote/commands/print.h"
#include "mote/line.h"
#include "mote/log/log.h"
#include "mote/session.h"
#include "mote/shell/shell.h"
#include "mote/stores/flash_store.h"

static struct mote_session session;
static struct mote_line line;
static struct mote_job jobs[MOTE_JOBS];
static struct serial serial;
static bool ends;

/* Peripherals: a pump, and how wet the soil is. */

static bool pump;

static int32_t get_pump(void *context) {
    (void)context;
    return pump;
}

static void set_pump(void *context, bool on) {
    (void)context;
    pump = on;
}

static int32_t get_soil(void *context) {
    (void)context;
    return 412; /* your converter's reading */
}

static const struct mote_peripheral peripherals[] = {
    {"pump0", "relay", get_pump, set_pump, NULL},
    {"soil0", "adc", get_soil, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

/* A command: `water SECONDS` runs the pump for SECONDS seconds. */

enum { LONGEST_WATERING_S = 60 };

static enum mote_step step_water(struct mote_session *of, struct mote_job *job) {
    uint32_t seconds;
    if (job->argc != 2 ||
        !mote_parse_number(mote_job_argument(job, 1), LONGEST_WATERING_S, &seconds)) {
        return mote_shell_usage(job); /* water: usage: water SECONDS */
    }
    if (job->state == 0) { /* the first step */
        job->state = 1;
        job->memory.word[0] = of->clock.now_ms + seconds * 1000u;
        pump = true;
    }
    if (!mote_clock_due(&of->clock, job->memory.word[0])) {
        return MOTE_STEP_WAIT; /* for that time */
    }
    pump = false;
    if (!mote_print_begin(job, job->out)) {
        return MOTE_STEP_WAIT; /* for room in the stream */
    }
    mote_print(job, "watered for ");
    mote_print_number(job, seconds);
    mote_print(job, " s\n");
    return mote_print_end(job) ? MOTE_STEP_DONE : MOTE_STEP_WAIT;
}

/* Ctrl-C, or a gateway that wants no more of it. */
static void drop_water(struct mote_job *job) {
    (void)job;
    pump = false;
}

static const struct mote_program programs[] = {
    MOTE_SHELL_PROGRAMS,
    MOTE_SHELL_FILE_PROGRAMS,
    MOTE_SHELL_LOG_PROGRAMS,
    MOTE_SHELL_LAST_PROGRAMS,
    {"water", "SECONDS", "runs the pump", step_water, NULL, drop_water},
    MOTE_SHELL_END,
};

/* A service: port 23 is a line that answers in capitals, for one connection at a time. */

#define LINE_PORT 23

static struct {
    bool is_open, ended;
    uint8_t bytes[64];
    uint8_t count;
} wire;

static enum mote_status open_wire(void *context, uint32_t *handle) {
    (void)context;
    if (wire.is_open) {
        return MOTE_STATUS_UNAVAILABLE;
    }
    memset(&wire, 0, sizeof wire);
    wire.is_open = true;
    *handle = 0;
    return MOTE_STATUS_OK;
}

static int read_wire(void *context, uint32_t handle, uint8_t *bytes, size_t length) {
    (void)context, (void)handle;
    size_t count = wire.count < length ? wire.count : length;
    if (wire.count == 0) {
        return wire.ended ? MOTE_SERVICE_ENDED : 0;
    }
    memcpy(bytes, wire.bytes, count);
    wire.count = (uint8_t)(wire.count - count);
    memmove(wire.bytes, wire.bytes + count, wire.count);
    return (int)count;
}

static int write_wire(void *context, uint32_t handle, const uint8_t *bytes, size_t length) {
    (void)context, (void)handle;
    size_t room = sizeof wire.bytes - wire.count;
    if (!bytes) {
        return (int)room; /* only asks */
    }
    size_t taken = length < room ? length : room;
    for (size_t i = 0; i < taken; i++) {
        bool is_small = bytes[i] >= 'a' && bytes[i] <= 'z';
        wire.bytes[wire.count++] = (uint8_t)(is_small ? bytes[i] - 'a' + 'A' : bytes[i]);
    }
    return (int)taken;
}

static void end_wire(void *context, uint32_t handle) {
    (void)context, (void)handle;
    wire.ended = true;
}

static void close_wire(void *context, uint32_t handle) {
    (void)context, (void)handle;
    wire.is_open = false;
}

static const struct mote_service_driver wire_driver = {open_wire, read_wire,  write_wire,
                                                       end_wire,  close_wire, 0};
static const struct mote_service services[] = {
    {LINE_PORT, &wire_driver, NULL},
    {MOTE_ECHO_PORT, NULL, NULL},
    {0, NULL, NULL},
};

/* Files: flash of 32 sectors, here in RAM, with granules of 8 bytes as many chips have them. Erasing sets
 * bits, programming clears them. */

enum { SECTOR_BYTES = 512, SECTORS = 32, INDEX_SECTORS = 2, PROGRAM_BYTES = 8 };

static uint32_t memory[SECTORS * SECTOR_BYTES / sizeof(uint32_t)];

static bool erase(void *context, uint32_t at) {
    (void)context;
    memset((uint8_t *)memory + at, 0xff, SECTOR_BYTES);
    return true;
}

static bool program(void *context, uint32_t at, const void *bytes, size_t length) {
    const uint8_t *from = bytes;
    uint8_t *to = (uint8_t *)memory + at;
    (void)context;
    for (size_t i = 0; i < length; i++) {
        to[i] &= from[i];
    }
    return true;
}

static const struct mote_flash flash = {.bytes = (const uint8_t *)memory,
                                        .sector_bytes = SECTOR_BYTES,
                                        .sectors = SECTORS,
                                        .index_sectors = INDEX_SECTORS,
                                        .program_bytes = PROGRAM_BYTES,
                                        .erase = erase,
                                        .program = program};
static uint8_t used[(SECTORS + 7) / 8];
static uint32_t pages[MOTE_FLASH_PAGES(PROGRAM_BYTES)];
static struct mote_flash_store store = {.flash = &flash, .used = used, .pages = pages};

/* All of it together. */

static const struct mote_device greenhouse = {
    .jobs = jobs,
    .programs = programs,
    .files = &mote_flash_store,
    .files_context = &store,
    .services = services,
    .peripherals = peripherals,
};
static const struct mote_info info = {"posix", "none", 64, 16, 0, 0, 0};
static const struct mote_command commands[] = {
    MOTE_COMMANDS(&greenhouse, &info),
    MOTE_COMMANDS_FILES(&greenhouse),
    MOTE_COMMANDS_CONSOLE(&greenhouse),
    MOTE_COMMANDS_DIAL(&greenhouse),
    MOTE_COMMANDS_PERIPHERALS(&greenhouse),
};

static void reboot(void *context) {
    (void)context;
    ends = true; /* your chip resets */
}

void serial_panic(struct serial *broken) {
    (void)broken;
}

static uint32_t now_ms(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint32_t)time.tv_sec * 1000u + (uint32_t)(time.tv_nsec / 1000000);
}

int main(int count, char **values) {
    static const struct mote_platform platform = {reboot, NULL};
    static const char board[] = "greenhouse";
    static const struct mote_identity identity = {
        .value = {[MOTE_BOARD] = {(const uint8_t *)board, sizeof board - 1}},
    };
    static const struct mote_session_config config = {
        .transport = &mote_line_transport,
        .transport_context = &line,
        .platform = &platform,
        .identity = &identity,
        .commands = commands,
        .command_count = sizeof commands / sizeof *commands,
        .caps = MOTE_COMMANDS_CAPS | MOTE_CAP_TTY | MOTE_CAP_STDERR | MOTE_CAP_CONSOLE |
                MOTE_CAP_FILES | MOTE_CAP_DIAL | MOTE_CAP_PERIPHERALS,
        .run = mote_jobs_run,
        .run_context = &greenhouse,
    };
    const struct mote_boot boot = {now_ms() | 1u, now_ms() | 1u, 0}; /* your chip's entropy */
    if (count != 2) {
        return 2;
    }
    mote_flash_store_mount(&store);
    serial_listen(&serial, values[1]);
    line.port = &serial_port;
    line.port_context = &serial;
    mote_session_init(&session, &config, &boot, now_ms());
    mote_log_boot(&session);
    mote_session_open(&session);
    struct pollfd nothing_else = {.fd = -1};
    uint32_t wait_ms = 0;
    while (!ends) {
        serial_wait(&serial, wait_ms, &nothing_else, 0);
        wait_ms = mote_session_poll(&session, now_ms());
    }
    serial_drain(&serial, 1000);
    return 0;
}
