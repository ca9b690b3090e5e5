#include "mote/log/log.h"

#include "mote/version.h"

/* Boot number, board and reset cause of the most bytes each, and a longer version than today's. */
enum { LINE_BYTES = 112, ID_BYTES = 8 };

static size_t write_text(char *text, size_t room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static size_t write_text(char *text, size_t room, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    size_t length = mote_log_format(text, room, format, arguments);
    va_end(arguments);
    return length;
}

void mote_log_boot(struct mote_session *session) {
    static const char *const causes[] = {MOTE_RESET_NAMES};
    static const char unknown[] = "unknown";
    const struct mote_boot *boot = &session->boot;
    const struct mote_span *identity = session->config->identity->value;
    struct mote_span board = identity[MOTE_BOARD], id = identity[MOTE_BUILD_ID];
    unsigned cause = boot->reset_cause < sizeof causes / sizeof causes[0] ? boot->reset_cause : 0;
    char text[LINE_BYTES];
    if (board.length == 0) {
        board.bytes = (const uint8_t *)unknown;
        board.length = sizeof unknown - 1;
    }
    size_t length = write_text(text, sizeof text,
                               "boot %lu: " MOTE_SDK ", board %.*s, reset: %s, build %s",
                               (unsigned long)boot->number, (int)board.length,
                               (const char *)board.bytes, causes[cause],
                               id.length == ID_BYTES ? "" : unknown);
    for (unsigned i = 0; i < id.length && id.length == ID_BYTES; i++) {
        length += write_text(text + length, sizeof text - length, "%02x", id.bytes[i]);
    }
    mote_log(session, MOTE_INFO, text);
}
