/*
 * The C SDK on a bare Cortex-M3, mps2-an385, over UART 0. In an emulator:
 *
 *   qemu-system-arm -M mps2-an385 -display none -monitor none -kernel mote-cortex-m.elf
 *     -chardev socket,id=u0,path=LINE,server=on,wait=off -serial chardev:u0
 *
 * A second -serial is UART 1: `kubectl port-forward` reaches it at port 1. Files are in the PSRAM: see
 * cortex_files.h for how they outlive the emulator.
 */
#include "../demo_device.h"
#include "chip.h"
#include "cortex_boot.h"
#include "cortex_files.h"
#include "cortex_stats.h"
#include "cortex_time.h"
#include "mote/stores/kept_ring.h"
#include "second_uart.h"
#include "start.h"
#include "uart.h"

/* Where port-forward finds UART 1. */
#define SECOND_UART_PORT 1

const struct mote_info port_info = {"armv7-m", "none", 16, 256, 1, 0, MOTE_FIRMWARE_CONFIRMED};

static struct mote_kept_ring kept_ring __attribute__((section(".kept_ring")));

static void reset(enum reset_cause cause) {
    (void)mote_kept_ring_seal(&kept_ring, &device_session);
    boot_again(cause);
}

static void reboot(void *context) {
    (void)context;
    reset(RESET_SOFTWARE);
}

static int32_t get_led(void *context) {
    (void)context;
    return LEDS & 1;
}

static void set_led(void *context, bool on) {
    (void)context;
    LEDS = (LEDS & ~1u) | on;
}

static const struct mote_service services[] = {
    {MOTE_ECHO_PORT, NULL, NULL}, {SECOND_UART_PORT, &second_uart_driver, NULL}, {0, NULL, NULL}};
static const struct mote_peripheral peripherals[] = {
    {"relay0", "relay", device_get_relay, device_set_relay, NULL},
    {"led0", "led", get_led, set_led, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

const struct mote_device port_device = {
    DEVICE_SHELL,
    .files = &mote_flash_store,
    .files_context = &cortex_files,
    .stats = &cortex_stats,
    .services = services,
    .peripherals = peripherals,
};

/* From the linker (link.ld). */
extern const uint8_t build_id[];

static uint32_t enter(void *context) {
    (void)context;
    return chip_lock_nested();
}

static void leave(void *context, uint32_t before) {
    (void)context;
    chip_unlock_nested(before);
}

/* The main loop looks at the queue before it sleeps. */
static const struct mote_log_lock log_lock = {enter, leave, NULL, NULL};

static const char board[] = "mps2-an385";
static const struct mote_platform platform = {reboot, NULL};
static const struct mote_identity identity = {
    .value = {[MOTE_BOARD] = {(const uint8_t *)board, sizeof board - 1},
              [MOTE_FIRMWARE] = {(const uint8_t *)DEVICE_FIRMWARE, sizeof DEVICE_FIRMWARE - 1},
              [MOTE_BUILD_ID] = {build_id, 8}},
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
    uart_print(text);
}

void port_panic(void) {
    uart_arm_panic();
}

uint32_t port_stack_used(void) {
    return start_stack_used();
}

void fault_report(const uint32_t *stacked) {
    char text[] = "\npanic: fault at 0x00000000\n";
    uint32_t counter = stacked[6];
    for (char *digit = text + sizeof text - 3; counter > 0; counter >>= 4) {
        *digit-- = "0123456789abcdef"[counter & 15];
    }
    uart_print_panic(text);
    reset(RESET_PANIC);
}

int main(void) {
    struct mote_boot boot = boot_begin();
    mote_kept_ring_begin(&kept_ring, &device_session, &boot);
    mote_flash_store_mount(&cortex_files);
    mote_log_queue.lock = &log_lock;
    uart_start();
    time_start();
    device_line.port = &uart_port;
    device_start(&config, &boot, time_now_ms());
    for (;;) {
        uint32_t now_ms = time_now_ms();
        uint32_t wait_ms = mote_session_poll(&device_session, now_ms);
        (void)mote_kept_ring_seal(&kept_ring, &device_session);
        chip_lock();
        while (!uart_has_input() && !second_uart_woke() &&
               !mote_log_queue_is_ready(&mote_log_queue) && time_now_ms() - now_ms < wait_ms) {
            time_wait();
            chip_unlock(); /* here the handlers run */
            chip_lock();
        }
        chip_unlock();
    }
}
