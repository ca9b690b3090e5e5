#include "mote/line.h"

static bool ready(void *context) {
    const struct mote_line *line = context;
    return line->port->ready(line->port_context);
}

static void send(void *context, struct mote_parts *message) {
    const struct mote_line *line = context;
    mote_frame_encode(message, line->port->write, line->port_context);
}

static struct mote_span receive(void *context, struct mote_clock *clock) {
    struct mote_line *line = context;
    const struct mote_port *port = line->port;
    const uint8_t *segment = line->decoder.segment;
    int byte = MOTE_FRAME_SILENCE, length;
    do {
        length = mote_frame_push(&line->decoder, byte, clock);
        if (length > 0) {
            break;
        }
        if (length < 0) {
            if (port->console) {
                port->console(line->port_context, segment, (size_t)-length);
            }
            length = 0;
        }
        byte = port->read(line->port_context);
    } while (byte >= 0);
    struct mote_span out = {segment, (size_t)length};
    return out;
}

const struct mote_transport mote_line_transport = {ready, send, receive,
                                                   MOTE_DEFAULT_SERIAL_RTO_MS};
