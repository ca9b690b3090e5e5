/*
 * Stdio and the end of a program on an AVR that test/avr/avr-machine.ts emulates: by three general purpose
 * registers, where a chip would have a UART.
 */
#include <avr/io.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Reading GPIOR2: what there is to read. */
enum { NOTHING, A_BYTE, THE_END };

static int put_byte(char byte, FILE *file) {
    (void)file;
    GPIOR1 = (uint8_t)byte;
    return 0;
}

static int get_byte(FILE *file) {
    uint8_t what;
    (void)file;
    do {
        what = GPIOR2;
    } while (what == NOTHING);
    return what == A_BYTE ? GPIOR0 : _FDEV_EOF;
}

__attribute__((constructor)) static void open_stdio(void) {
    static FILE line;
    fdev_setup_stream(&line, put_byte, get_byte, _FDEV_SETUP_RW);
    stdin = stdout = stderr = &line;
}

/* In the place of libgcc's, which says nothing. Main's value and abort come here too. */
void exit(int code) {
    for (;;) {
        GPIOR2 = (uint8_t)code;
    }
}

void abort(void) {
    exit(134);
}
