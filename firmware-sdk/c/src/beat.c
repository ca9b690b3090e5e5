#include "mote/beat.h"

static const struct {
    int16_t min;
    uint16_t max;
} ranges[MOTE_BEAT_POSITIONS] = {{0, 0xffff}, {-128, 127}, {0, 100}, {-128, 127}, {0, 100}};

unsigned mote_beat_write(struct mote_cbor_writer *writer,
                         const int32_t values[MOTE_BEAT_POSITIONS]) {
    unsigned known = MOTE_BEAT_POSITIONS;
    while (known > 0 && values[known - 1] == MOTE_BEAT_UNKNOWN) {
        known--;
    }
    for (unsigned i = 0; i < known; i++) {
        int32_t value = values[i];
        enum mote_cbor_major major = MOTE_CBOR_UINT;
        if (value == MOTE_BEAT_UNKNOWN) {
            major = MOTE_CBOR_OTHER;
            value = MOTE_CBOR_NULL;
        } else {
            value = value < ranges[i].min   ? ranges[i].min
                    : value > ranges[i].max ? ranges[i].max
                                             : value;
            if (value < 0) {
                major = MOTE_CBOR_NEGATIVE;
                value = -1 - value;
            }
        }
        mote_cbor_write_head(writer, major, (uint32_t)value);
    }
    return known;
}
