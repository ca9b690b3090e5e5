// A device in C++: it says hello, answers one request, and ends. For headers.test.ts.
//
//   cpp-device HEX…   each message that it is sent; what it sends comes out, a line of hex each
#include <cstdio>
#include <cstring>

#include "mote/carrier/reconnect.h"
#include "mote/commands/commands.h"
#include "mote/commands/peripherals.h"
#include "mote/commands/print.h"
#include "mote/commands/stats.h"
#include "mote/session.h"
#include "mote/shell/shell.h"
#include "mote/stores/flash_store.h"

namespace {

enum { SECTOR_BYTES = 256, SECTORS = 16 };

class Relay {
  public:
    static int32_t get(void *self) {
        return static_cast<Relay *>(self)->on_;
    }
    static void set(void *self, bool on) {
        static_cast<Relay *>(self)->on_ = on;
    }

  private:
    bool on_ = false;
};

alignas(4) uint8_t memory[SECTOR_BYTES * SECTORS];

bool erase(void *, uint32_t at) {
    std::memset(memory + at, 0xff, SECTOR_BYTES);
    return true;
}

bool program(void *, uint32_t at, const void *bytes, size_t length) {
    std::memcpy(memory + at, bytes, length);
    return true;
}

uint8_t used[SECTORS / 8];
uint32_t pages[MOTE_FLASH_PAGES(1)];
const mote_flash flash = {memory, SECTOR_BYTES, SECTORS, 1, 1, erase, program, nullptr};
struct mote_flash_store store = {&flash, used, pages, {}, 0, 0, 0, 0, false};

mote_step hello(mote_session *, mote_job *job) {
    if (!mote_print_begin(job, job->out)) {
        return MOTE_STEP_WAIT;
    }
    mote_print(job, "hello from C++\n");
    return mote_print_end(job) ? MOTE_STEP_DONE : MOTE_STEP_WAIT;
}

const mote_program programs[] = {
    {"hello", "", "greets", hello, nullptr, nullptr},
    MOTE_SHELL_PROGRAMS,
    MOTE_SHELL_FILE_PROGRAMS,
    MOTE_SHELL_TASK_PROGRAMS,
    MOTE_SHELL_LOG_PROGRAMS,
    MOTE_SHELL_SETTING_PROGRAMS,
    MOTE_SHELL_LAST_PROGRAMS,
    MOTE_SHELL_END,
};

Relay relay;
const mote_peripheral peripherals[] = {
    {"relay0", "relay", Relay::get, Relay::set, &relay},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
const mote_setting settings[] = {{nullptr, nullptr, 0}};

mote_job jobs[MOTE_JOBS];
const mote_device device = {jobs,   programs, settings, &mote_flash_store,
                            &store, nullptr,  nullptr,  peripherals};
const mote_info about = {"c++", nullptr, 0, 0, 0, 0, 0};
const mote_command commands[] = {MOTE_COMMANDS(&device, &about), MOTE_COMMANDS_FILES(&device),
                                 MOTE_COMMANDS_CONSOLE(&device), MOTE_COMMANDS_DIAL(&device),
                                 MOTE_COMMANDS_PERIPHERALS(&device)};

mote_span received;

bool ready(void *) {
    return true;
}

void send(void *, mote_parts *message) {
    for (const mote_span &part : message->part) {
        for (size_t i = 0; i < part.length; i++) {
            std::printf("%02x", static_cast<unsigned>(part.bytes[i]));
        }
    }
    std::printf("\n");
}

mote_span receive(void *, mote_clock *) {
    const mote_span message = received;
    received.length = 0;
    return message;
}

const mote_transport transport = {ready, send, receive, 500};
const mote_platform platform = {[](void *) {}, nullptr};
const char board[] = "cpp";
const mote_identity identity = {
    {{nullptr, 0}, {reinterpret_cast<const uint8_t *>(board), 3}, {nullptr, 0}, {nullptr, 0}}};

mote_session session;

} // namespace

int main(int count, char **arguments) {
    mote_session_config config = {};
    config.transport = &transport;
    config.platform = &platform;
    config.identity = &identity;
    config.commands = commands;
    config.command_count = sizeof commands / sizeof commands[0];
    config.caps = MOTE_CAP_EXEC | MOTE_CAP_FILES | MOTE_CAP_PERIPHERALS;
    config.run = mote_jobs_run;
    config.run_context = &device;
    const mote_boot boot = {7, 7, MOTE_RESET_POWER_ON};
    mote_flash_store_mount(&store);
    mote_session_init(&session, &config, &boot, 0);
    mote_session_open(&session);
    (void)mote_session_poll(&session, 0);
    for (int i = 1; i < count; i++) {
        static uint8_t bytes[MOTE_MESSAGE_BYTES];
        const char *hex = arguments[i];
        unsigned byte;
        size_t length = 0;
        while (length < sizeof bytes && std::sscanf(hex + 2 * length, "%2x", &byte) == 1) {
            bytes[length++] = static_cast<uint8_t>(byte);
        }
        received = {bytes, length};
        (void)mote_session_poll(&session, 1);
    }
    return 0;
}
