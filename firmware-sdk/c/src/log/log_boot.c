#include "mote/log.h"

#include "mote/version.h"

/* Longest: a boot number, a board and a reset cause of the most bytes each. */
enum { LINE_BYTES = 128, ID_BYTES = 8 };

static void write_text(char *text, size_t room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void write_text(char *text, size_t room, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)mote_log_format(text, room, format, arguments);
    va_end(arguments);
}

void mote_log_boot(struct mote_session *session) {
    static const char *const causes[] = {MOTE_RESET_NAMES};
    static const struct mote_span none = {(const uint8_t *)"unknown", 7};
    const struct mote_boot *boot = &session->boot;
    const struct mote_span *identity = session->config->identity->value;
    const struct mote_span *board = &identity[MOTE_BOARD], *id = &identity[MOTE_BUILD_ID];
    char text[LINE_BYTES], build[2 * ID_BYTES + 1] = "unknown";
    for (unsigned i = 0; i < id->length && i < ID_BYTES; i++) {
        write_text(build + 2 * i, 3, "%02x", id->bytes[i]);
    }
    board = board->length > 0 ? board : &none;
    unsigned cause = boot->reset_cause < sizeof causes / sizeof causes[0] ? boot->reset_cause : 0;
    write_text(text, sizeof text, "boot %lu: " MOTE_SDK ", board %.*s, reset: %s, build %s",
               (unsigned long)boot->number, (int)board->length, (const char *)board->bytes,
               causes[cause], build);
    mote_log(session, MOTE_INFO, text);
}
