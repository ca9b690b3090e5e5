/*
 * The C SDK on a bare Cortex-M3, mps2-an385, over UART 0. In an emulator:
 *
 *   qemu-system-arm -M mps2-an385 -display none -monitor none -kernel mote-cortex-m.elf
 *     -chardev socket,id=u0,path=LINE,server=on,wait=off -serial chardev:u0
 */
#include "../device.h"
#include "boot.h"
#include "chip.h"
#include "mote/commands.h"
#include "start.h"
#include "time.h"
#include "uart.h"

const struct mote_info port_info = {"armv7-m", "none", 16, 256};

static void reboot(void *context) {
    (void)context;
    boot_again(RESET_SOFTWARE);
}

static const char board[] = "mps2-an385";
static const struct mote_platform platform = {reboot, NULL};
static const struct mote_identity identity = {
    .value = {[MOTE_BOARD] = {(const uint8_t *)board, sizeof board - 1},
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
    .run = mote_exec_run,
    .run_context = &device_exec,
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
    boot_again(RESET_PANIC);
}

int main(void) {
    const struct mote_boot boot = boot_begin();
    uart_start();
    time_start();
    device_line.port = &uart_port;
    device_start(&config, &boot, time_now_ms());
    for (;;) {
        uint32_t now_ms = time_now_ms();
        uint32_t wait_ms = mote_session_poll(&device_session, now_ms);
        chip_lock();
        while (!uart_has_input() && time_now_ms() - now_ms < wait_ms) {
            chip_wait();
            chip_unlock(); /* here the handlers run */
            chip_lock();
        }
        chip_unlock();
    }
}
