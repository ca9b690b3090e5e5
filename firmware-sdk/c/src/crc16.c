#include "mote/crc16.h"

/* Bit by bit in closed form: a table of 16 would cost 32 bytes more, and the line is slower than
 * either. */
uint16_t mote_crc16_update(uint16_t crc, uint8_t byte) {
    unsigned x = (unsigned)(crc >> 8) ^ byte;
    x ^= x >> 4;
    return (uint16_t)(((unsigned)crc << 8) ^ (x << 12) ^ (x << 5) ^ x);
}
