#ifndef MOTE_CRC16_H
#define MOTE_CRC16_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Takes one byte into a CRC-16/XMODEM (SPEC §4.1: polynomial 0x1021, initial 0, not reflected).
 * Over a message and its CRC, big-endian, the result is 0.
 *
 * Blocking: no. ISR-safe: yes. Re-entrant: yes.
 */
uint16_t mote_crc16_update(uint16_t crc, uint8_t byte);

#ifdef __cplusplus
}
#endif

#endif
