#ifndef MOTE_BEAT_H
#define MOTE_BEAT_H

#include <stdint.h>

struct mote_session;

/** A value of a beat that the device does not know. */
#define MOTE_BEAT_UNKNOWN INT32_MIN

/** Positions of a beat after the uptime (SPEC §3.4); each saturates when it is sent. */
enum mote_beat_position {
    MOTE_BEAT_HEAP_FREE_64,
    MOTE_BEAT_RSSI_DBM,
    MOTE_BEAT_BATTERY_PERCENT,
    MOTE_BEAT_TEMPERATURE_C,
    MOTE_BEAT_CPU_PERCENT,
    MOTE_BEAT_POSITIONS
};

/** What a device says of itself with each heartbeat. */
struct mote_beat {
    int32_t values[MOTE_BEAT_POSITIONS];
};

/** Sends a beat. For the session. */
void mote_beat_send(struct mote_session *session);

#endif
