/*
 * The core behind a line protocol, for the tests that play vectors: one request a line on stdin,
 * one answer a line on stdout. Built with sanitizers, and once for each message limit that the
 * vectors use.
 *
 *   limits                    → "MESSAGE_BYTES RX_WINDOW STREAM_BUFFER STREAMS LOG_RING"
 *   cbor HEX                  → "OK" or the name of the fault
 *   recode HEX                → the item, read head by head and written again
 *   message HEX               → "OK kind rest has_last field… body" or the name of the error
 *   crc HEX | frame HEX       → hex
 *   line                      → a new frame decoder
 *   push AT HEX | expire AT   → "message HEX" and "text HEX" in order, then "bad N wait MS"
 *   session BOOT CAPS RTO EPOCH NEXT OLDEST
 *   files BYTES               → "wait 0": the room for files of the next session
 *   large BYTES               → "wait 0": /large is a file of BYTES bytes, which are stored nowhere
 *   cut N | mount             → "wait 0": the power of flash goes after N points (flash_emulator.h); is back
 *   reset                     → "wait 0": a new boot, with ring and files of the one before
 *   open|close|tick AT, receive AT HEX, log AT HEX
 *                             → "send HEX" and "effect NAME" in order, then "wait MS"
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flash_emulator.h"
#include "large_file.h"
#include "mote/commands/commands.h"
#include "mote/commands/dial.h"
#include "mote/commands/peripherals.h"
#include "mote/commands/stats.h"
#include "mote/crc16.h"
#include "mote/frame.h"
#include "mote/session.h"
#include "mote/shell/shell.h"
#include "mote/stores/flash_store.h"
#include "mote/stores/kept_ring.h"

enum { MOST = 4096 };

static uint8_t input[MOST];

/* The hex after a word as bytes on the heap, exactly as long as they are, so that a sanitizer sees
 * each overrun. */
static struct mote_span parse_hex(const char *text, uint8_t **owned) {
    size_t length = 0;
    unsigned byte;
    while (length < MOST && sscanf(text + 2 * length, "%2x", &byte) == 1) {
        input[length++] = (uint8_t)byte;
    }
    *owned = malloc(length ? length : 1);
    memcpy(*owned, input, length);
    struct mote_span span = {*owned, length};
    return span;
}

static void print_hex(const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        printf("%02x", bytes[i]);
    }
}

static const char *const cbor_errors[] = {
#define NAME(name) #name,
    MOTE_CBOR_ERROR_TABLE(NAME)
#undef NAME
};
static const char *const message_errors[] = {"OK",    "CBOR",    "ENVELOPE",
                                             "FIELD", "MISSING", "TOO_LONG"};

static void recode(struct mote_span item) {
    static uint8_t out[MOST];
    struct mote_cbor_reader reader = {item.bytes, item.bytes + item.length};
    struct mote_cbor_writer writer = {out, out + sizeof out};
    struct mote_cbor_head head;
    while (reader.at < reader.end) {
        const uint8_t *start = reader.at;
        if (mote_cbor_read_head(&reader, &head)) {
            break;
        }
        if (head.major == MOTE_CBOR_OTHER || head.wide) {
            mote_cbor_write_raw(&writer, start, (size_t)(reader.at - start));
        } else if (head.major == MOTE_CBOR_BYTES || head.major == MOTE_CBOR_TEXT) {
            mote_cbor_write_string(&writer, (enum mote_cbor_major)head.major, reader.at,
                                   (size_t)head.value);
            reader.at += head.value;
        } else {
            mote_cbor_write_head(&writer, (enum mote_cbor_major)head.major, head.value);
        }
    }
    print_hex(out, (size_t)(writer.at - out));
    printf("\n");
}

static void print_message(struct mote_span bytes) {
    struct mote_message message;
    enum mote_message_error error = mote_message_decode(bytes.bytes, bytes.length, &message);
    if (error) {
        printf("%s\n", message_errors[error]);
        return;
    }
    printf("OK %lu %u %d", (unsigned long)message.kind, message.rest, message.has_last);
    for (unsigned i = 0; i < sizeof message.field / sizeof message.field[0]; i++) {
        printf(" %lu", (unsigned long)message.field[i]);
    }
    printf(" ");
    print_hex(message.body.at, (size_t)(message.body.end - message.body.at));
    printf("\n");
}

static void write_byte(void *context, uint8_t byte, bool last) {
    (void)context, (void)last;
    printf("%02x", byte);
}

/* In three parts, so that the parts' seams are tried too. */
static void print_frame(struct mote_span bytes) {
    struct mote_parts parts;
    memset(&parts, 0, sizeof parts);
    size_t third = bytes.length / 3;
    parts.part[0].bytes = bytes.bytes;
    parts.part[0].length = third;
    parts.part[1].bytes = bytes.bytes + third;
    parts.part[1].length = third;
    parts.part[2].bytes = bytes.bytes + 2 * third;
    parts.part[2].length = bytes.length - 2 * third;
    mote_frame_encode(&parts, write_byte, NULL);
    printf("\n");
}

static struct mote_frame_decoder decoder;

static void push_one(int byte, struct mote_clock *clock) {
    int length = mote_frame_push(&decoder, byte, clock);
    if (length != 0) {
        printf("%s ", length > 0 ? "message" : "text");
        print_hex(decoder.segment, (size_t)abs(length));
        printf("\n");
    }
}

static void push(uint32_t now_ms, struct mote_span bytes) {
    struct mote_clock clock = {now_ms, MOTE_WAIT_FOREVER};
    push_one(MOTE_FRAME_SILENCE, &clock);
    for (size_t i = 0; i < bytes.length; i++) {
        push_one(bytes.bytes[i], &clock);
    }
    clock.wait_ms = MOTE_WAIT_FOREVER;
    push_one(MOTE_FRAME_SILENCE, &clock);
    printf("bad %u wait %lu\n", decoder.bad_frames, (unsigned long)clock.wait_ms);
}

static struct mote_span received;

static bool always_ready(void *context) {
    (void)context;
    return true;
}

static void print_send(void *context, struct mote_parts *message) {
    (void)context;
    printf("send ");
    for (unsigned i = 0; i < 4; i++) {
        print_hex(message->part[i].bytes, message->part[i].length);
    }
    printf("\n");
}

static struct mote_span receive(void *context, struct mote_clock *clock) {
    struct mote_span message = received;
    (void)context, (void)clock;
    received.length = 0;
    return message;
}

static void reboot(void *context) {
    (void)context;
    printf("effect reboot\n");
}

static struct mote_session *session;

/* Files in sectors of 16 bytes, four of them data, so that a script says how many there are; the two
 * copies of the index have 480 bytes each. */
enum {
    SECTOR_BYTES = 16,
    PART_BYTES = 4,
    INDEX_SECTORS = 30,
    MAX_SECTORS = 600,
    PROGRAM_BYTES = 4
};
static unsigned sectors = MAX_SECTORS;
static uint8_t used[(MAX_SECTORS + 7) / 8];
static uint32_t pages[MOTE_FLASH_PAGES(PROGRAM_BYTES)];
static struct mote_flash_store store = {
    .flash = &flash_emulator.flash, .used = used, .pages = pages};

static struct mote_file_store files;

/* The power is back. */
static void mount(void) {
    flash_emulator.points = FLASH_POWERED;
    mote_flash_store_mount(&store);
    files = mote_flash_store;
    large_file_add(&files);
}

static void get_busy(void *context, uint32_t cpu[2]) {
    (void)context;
    cpu[0] = 7;
    cpu[1] = 250;
}

static bool get_task(void *context, unsigned index, struct mote_task *task) {
    static const struct mote_task tasks[] = {
        {"main", MOTE_TASK_RUNNING, true, {7, 250}, 1234},
        {"idle", MOTE_TASK_READY, false, {0, 0}, MOTE_STATS_UNKNOWN},
        {"a name of 16 byt", MOTE_TASK_SUSPENDED, true, {0xffffffff, 999}, 0xfffffffe},
        {"another of 16 by", MOTE_TASK_BLOCKED, true, {0xffffffff, 999}, 0xfffffffe},
    };
    (void)context;
    if (index < sizeof tasks / sizeof tasks[0]) {
        *task = tasks[index];
        return true;
    }
    return false;
}

static int32_t relay;

static int32_t get_relay(void *context) {
    (void)context;
    return relay;
}

static void set_relay(void *context, bool on) {
    (void)context;
    relay = on;
}

static const struct mote_stats_source stats = {get_busy, get_task, NULL, NULL};
static const struct mote_service services[] = {{MOTE_ECHO_PORT, NULL, NULL}, {0, NULL, NULL}};
static const struct mote_peripheral peripherals[] = {
    {"relay0", "relay", get_relay, set_relay, NULL},
    {"adc0", "adc", get_relay, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static char prompt[17] = ">";
/* Settings of every width that a number of bytes can have. */
static char values[6][256];
static const struct mote_setting settings[] = {
    {"prompt", prompt, 16},      {"none", values[0], 0},       {"one", values[1], 1},
    {"nine", values[2], 9},      {"ten", values[3], 10},       {"hundred", values[4], 100},
    {"widest", values[5], 255},  {NULL, NULL, 0}};

static const struct mote_program programs[] = {
    MOTE_SHELL_PROGRAMS,      MOTE_SHELL_FILE_PROGRAMS,    MOTE_SHELL_TASK_PROGRAMS,
    MOTE_SHELL_LOG_PROGRAMS,  MOTE_SHELL_SETTING_PROGRAMS, MOTE_SHELL_LAST_PROGRAMS,
    MOTE_SHELL_END};
static struct mote_job jobs[MOTE_JOBS];
static const struct mote_device device = {
    .jobs = jobs,
    .programs = programs,
    .settings = settings,
    .files = &files,
    .files_context = &store,
    .stats = &stats,
    .services = services,
    .peripherals = peripherals,
};
static const struct mote_info about = {NULL, NULL, 0, 0, 0, 0, 0};
static const struct mote_platform platform = {reboot, NULL};
static const struct mote_identity identity;
static const struct mote_command all_commands[] = {MOTE_COMMANDS_ALL(&device, &about)};
enum { COMMANDS = sizeof all_commands / sizeof all_commands[0] };

/* What the capabilities of a script's device do not name, it does not have. */
static struct mote_command commands[COMMANDS];
static uint8_t pick_commands(uint32_t caps) {
    static const uint32_t needs[256] = {
#define NEED(op, capability) [MOTE_OP_##op] = MOTE_CAP_##capability,
        MOTE_CAPABILITY_TABLE(NEED)
#undef NEED
    };
    uint8_t count = 0;
    for (unsigned i = 0; i < COMMANDS; i++) {
        if ((caps & needs[all_commands[i].op]) == needs[all_commands[i].op]) {
            commands[count++] = all_commands[i];
        }
    }
    return count;
}

static struct mote_transport transport = {always_ready, print_send, receive, 0};
static struct mote_session_config config;

static void begin_session(const char *text) {
    struct mote_boot boot = {0, 0, 0};
    unsigned long number, caps, rto, epoch, next, oldest;
    if (sscanf(text, "%lu %lu %lu %lu %lu %lu", &number, &caps, &rto, &epoch, &next, &oldest) != 6) {
        return;
    }
    transport.rto_ms = (uint16_t)rto;
    config.transport = &transport;
    config.platform = &platform;
    config.identity = &identity;
    config.commands = commands;
    config.command_count = pick_commands((uint32_t)caps);
    config.caps = (uint32_t)caps;
    config.run = mote_jobs_run;
    config.run_context = &device;
    boot.number = (uint32_t)number;
    boot.ring_epoch = (uint32_t)epoch;
    free(session);
    session = calloc(1, sizeof *session);
    memset(jobs, 0, sizeof jobs);
    flash_emulator_start(SECTOR_BYTES, (uint16_t)sectors, INDEX_SECTORS, PROGRAM_BYTES);
    relay = 0;
    mount();
    mote_session_init(session, &config, &boot, 0);
    session->reports.ring.next_seq = (uint16_t)next;
    session->reports.ring.oldest_seq = (uint16_t)oldest;
    session->reports.stored_seq = (uint16_t)(oldest - 1);
    printf("wait 0\n");
}

/* A reset that RAM outlives: the ring of reports and the files stay. */
static void reset_session(void) {
    static struct mote_kept_ring kept;
    struct mote_boot boot = session->boot;
    boot.number++;
    boot.ring_epoch = boot.number;
    (void)mote_kept_ring_seal(&kept, session);
    mote_kept_ring_begin(&kept, session, &boot);
    memset(jobs, 0, sizeof jobs);
    mount();
    mote_session_init(session, &config, &boot, 0);
    printf("wait 0\n");
}

static void step(const char *line) {
    char what[16];
    unsigned long at;
    int text = 0;
    if (!session || sscanf(line, "%15s %lu %n", what, &at, &text) < 2) {
        printf("what?\n");
        return;
    }
    uint8_t *owned;
    struct mote_span bytes = parse_hex(line + text, &owned);
    if (strcmp(what, "receive") == 0) {
        received = bytes;
    } else {
        /* What the application does comes after a poll that found nothing to do at this time. */
        session->clock.now_ms = (uint32_t)at;
        if (strcmp(what, "open") == 0) {
            mote_session_open(session);
        } else if (strcmp(what, "close") == 0) {
            mote_session_close(session);
        } else if (strcmp(what, "log") == 0) {
            char *copy = calloc(1, bytes.length + 1);
            memcpy(copy, bytes.bytes, bytes.length);
            mote_log(session, MOTE_INFO, copy);
            free(copy);
        }
    }
    printf("wait %lu\n", (unsigned long)mote_session_poll(session, (uint32_t)at));
    received.length = 0;
    free(owned);
}

int main(void) {
    static char line[2 * MOST + 64];
    while (fgets(line, sizeof line, stdin)) {
        uint8_t *owned = NULL;
        unsigned long at;
        int text = 0;
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, "limits") == 0) {
            printf("%u %u %u %u %u\n", MOTE_MESSAGE_BYTES, MOTE_RX_WINDOW_BYTES,
                   MOTE_STREAM_BUFFER_BYTES, MOTE_STREAMS, MOTE_LOG_RING_BYTES);
        } else if (strncmp(line, "cbor ", 5) == 0) {
            const uint8_t *elements[MOTE_CBOR_ELEMENTS];
            struct mote_span bytes = parse_hex(line + 5, &owned);
            printf("%s\n", cbor_errors[mote_cbor_check(bytes.bytes, bytes.length, elements)]);
        } else if (strncmp(line, "recode ", 7) == 0) {
            recode(parse_hex(line + 7, &owned));
        } else if (strncmp(line, "message ", 8) == 0) {
            print_message(parse_hex(line + 8, &owned));
        } else if (strncmp(line, "frame ", 6) == 0) {
            print_frame(parse_hex(line + 6, &owned));
        } else if (strncmp(line, "crc ", 4) == 0) {
            struct mote_span bytes = parse_hex(line + 4, &owned);
            uint16_t crc = 0;
            for (size_t i = 0; i < bytes.length; i++) {
                crc = mote_crc16_update(crc, bytes.bytes[i]);
            }
            printf("%u\n", crc);
        } else if (strcmp(line, "line") == 0) {
            memset(&decoder, 0, sizeof decoder);
            printf("bad 0 wait %lu\n", (unsigned long)MOTE_WAIT_FOREVER);
        } else if (sscanf(line, "push %lu %n", &at, &text) == 1) {
            push((uint32_t)at, parse_hex(line + text, &owned));
        } else if (sscanf(line, "expire %lu", &at) == 1) {
            struct mote_span nothing = {NULL, 0};
            push((uint32_t)at, nothing);
        } else if (strncmp(line, "session ", 8) == 0) {
            begin_session(line + 8);
        } else if (sscanf(line, "files %lu", &at) == 1) {
            sectors = (unsigned)(2 * INDEX_SECTORS + at / PART_BYTES);
            printf("wait 0\n");
        } else if (sscanf(line, "large %lu", &at) == 1) {
            large_file_bytes = (uint32_t)at;
            printf("wait 0\n");
        } else if (sscanf(line, "cut %lu", &flash_emulator.points) == 1) {
            printf("wait 0\n");
        } else if (strcmp(line, "mount") == 0) {
            mount();
            printf("wait 0\n");
        } else if (strcmp(line, "reset") == 0) {
            reset_session();
        } else {
            step(line);
        }
        free(owned);
        fflush(stdout);
    }
    free(session);
    return 0;
}
