#include "mote/commands/print.h"

#include <string.h>

bool mote_print_begin(struct mote_job *job, struct mote_stream *stream) {
    job->printing = stream;
    job->print_at = 0;
    return job->printed > 0 || mote_stream_room(stream) >= MOTE_PRINT_ROOM_BYTES;
}

void mote_print(struct mote_job *job, const char *text) {
    size_t length = strlen(text), skip = 0;
    if (job->printed > job->print_at) {
        skip = (size_t)(job->printed - job->print_at);
    }
    job->print_at = (uint16_t)(job->print_at + length);
    /* Only in order: what comes after a text that did not fit waits too. */
    if (skip < length && job->printed + length - skip == job->print_at) {
        job->printed =
            (uint16_t)(job->printed +
                       mote_job_write(job, job->printing, text + skip, length - skip));
    }
}

void mote_print_digits(struct mote_job *job, uint32_t number, unsigned digits) {
    char text[11], *at = text + sizeof text - 1;
    *at = '\0';
    for (; number > 0 || digits > 0; number /= 10u) {
        *--at = (char)('0' + number % 10u);
        digits -= digits > 0;
    }
    mote_print(job, at);
}

void mote_print_number(struct mote_job *job, uint32_t number) {
    mote_print_digits(job, number, 1);
}

bool mote_print_end(struct mote_job *job) {
    if (job->printed < job->print_at) {
        return false;
    }
    job->printed = 0;
    return true;
}

bool mote_parse_number(const char *text, uint32_t max, uint32_t *number) {
    uint32_t value = 0;
    if (*text == '\0') {
        return false;
    }
    for (; *text; text++) {
        uint32_t digit = (uint32_t)(*text - '0');
        if (digit > 9 || digit > max || value > (max - digit) / 10u) {
            return false;
        }
        value = value * 10u + digit;
    }
    *number = value;
    return true;
}
