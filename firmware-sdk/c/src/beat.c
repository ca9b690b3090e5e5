#include "mote/beat.h"

#include "mote/session.h"

static const struct {
    int16_t least;
    uint16_t most;
} ranges[MOTE_BEAT_POSITIONS] = {{0, 0xffff}, {-128, 127}, {0, 100}, {-128, 127}, {0, 100}};

void mote_beat_send(struct mote_session *session) {
    const struct mote_session_config *config = session->config;
    struct mote_beat beat;
    unsigned known = MOTE_BEAT_POSITIONS;
    for (unsigned i = 0; i < MOTE_BEAT_POSITIONS; i++) {
        beat.values[i] = MOTE_BEAT_UNKNOWN;
    }
    if (config->platform->sample) {
        config->platform->sample(config->platform_context, &beat);
    }
    while (known > 0 && beat.values[known - 1] == MOTE_BEAT_UNKNOWN) {
        known--;
    }
    const uint32_t head[] = {MOTE_KIND_BEAT, session->uptime_s};
    struct mote_cbor_writer *writer = mote_session_begin(session, 2 + known, head, 2);
    for (unsigned i = 0; i < known; i++) {
        int32_t value = beat.values[i];
        enum mote_cbor_major major = MOTE_CBOR_UINT;
        if (value == MOTE_BEAT_UNKNOWN) {
            major = MOTE_CBOR_OTHER;
            value = MOTE_CBOR_NULL & 31;
        } else {
            value = value < ranges[i].least ? ranges[i].least : value > ranges[i].most ? ranges[i].most : value;
            if (value < 0) {
                major = MOTE_CBOR_NEGATIVE;
                value = -1 - value;
            }
        }
        mote_cbor_write_head(writer, major, (uint32_t)value);
    }
    mote_session_send(session, NULL);
}
