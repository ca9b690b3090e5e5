/*
 * A device with every part on an ATmega1284P, for the size table: linked, and run nowhere. Its line,
 * its clock and its flash do nothing.
 */
#include "../port/demo_device.h"
#include "mote/stores/flash_store.h"
#include "mote/stores/kept_ring.h"

enum { SECTOR_BYTES = 256, SECTORS = 6, PROGRAM_BYTES = 1 };

const struct mote_info port_info = {"avr5", "none", 16, 4, 1, 0, MOTE_FIRMWARE_CONFIRMED};

static struct mote_kept_ring kept_ring __attribute__((section(".noinit")));
static volatile uint8_t line;
static volatile uint32_t now_ms;

static void reboot(void *context) {
    (void)context;
    (void)mote_kept_ring_seal(&kept_ring, &device_session);
}

static int read_line(void *context) {
    (void)context;
    return line;
}

static bool line_ready(void *context) {
    (void)context;
    return line > 0;
}

static void write_line(void *context, uint8_t byte, bool last) {
    (void)context, (void)last;
    line = byte;
}

static bool erase(void *context, uint32_t at) {
    (void)context;
    line = (uint8_t)at;
    return true;
}

static bool program(void *context, uint32_t at, const void *bytes, size_t length) {
    (void)context, (void)bytes;
    line = (uint8_t)(at + length);
    return true;
}

static void get_busy(void *context, uint32_t cpu[2]) {
    (void)context;
    cpu[0] = cpu[1] = now_ms;
}

static bool get_task(void *context, unsigned index, struct mote_task *task) {
    (void)context, (void)task;
    return index > 0 && line > 0;
}

static const uint8_t memory[4]; /* in the place of a flash chip */
static const struct mote_flash flash = {.bytes = memory,
                                        .sector_bytes = SECTOR_BYTES,
                                        .sectors = SECTORS,
                                        .index_sectors = 1,
                                        .program_bytes = PROGRAM_BYTES,
                                        .erase = erase,
                                        .program = program};
static uint8_t used[(SECTORS + 7) / 8];
static uint32_t pages[MOTE_FLASH_PAGES(PROGRAM_BYTES)];
static struct mote_flash_store avr_files = {.flash = &flash, .used = used, .pages = pages};

static const struct mote_stats_source stats = {get_busy, get_task, NULL, NULL};
static const struct mote_service services[] = {{MOTE_ECHO_PORT, NULL, NULL}, {0, NULL, NULL}};
static const struct mote_peripheral peripherals[] = {
    {"relay0", "relay", device_get_relay, device_set_relay, NULL}, {NULL, NULL, NULL, NULL, NULL}};

const struct mote_device port_device = {
    DEVICE_SHELL,
    .files = &mote_flash_store,
    .files_context = &avr_files,
    .stats = &stats,
    .services = services,
    .peripherals = peripherals,
};

static const struct mote_port serial = {.read = read_line, .ready = line_ready, .write = write_line};
static const struct mote_platform platform = {reboot, NULL};
static const struct mote_identity identity = {
    .value = {[MOTE_BOARD] = {(const uint8_t *)"avr", 3},
              [MOTE_FIRMWARE] = {(const uint8_t *)DEVICE_FIRMWARE, sizeof DEVICE_FIRMWARE - 1}},
};
static const struct mote_session_config config = {
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

void port_print(const char *text) {
    line = (uint8_t)*text;
}

void port_panic(void) {
}

uint32_t port_stack_used(void) {
    return 0;
}

int main(void) {
    struct mote_boot boot = {1, 1, 0};
    mote_kept_ring_begin(&kept_ring, &device_session, &boot);
    mote_flash_store_mount(&avr_files);
    device_line.port = &serial;
    device_start(&config, &boot, now_ms);
    for (;;) {
        MOTE_LOGI("%u", line);
        (void)mote_session_poll(&device_session, now_ms);
        (void)mote_kept_ring_seal(&kept_ring, &device_session);
    }
}
