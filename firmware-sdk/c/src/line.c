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
    struct mote_span out;
    int byte = MOTE_FRAME_SILENCE;
    do {
        enum mote_frame_event event = mote_frame_push(&line->decoder, byte, clock, &out);
        if (event == MOTE_FRAME_MESSAGE) {
            return out;
        }
        if (event == MOTE_FRAME_TEXT && port->console) {
            port->console(line->port_context, out.bytes, out.length);
        }
        byte = port->read(line->port_context);
    } while (byte >= 0);
    out.length = 0;
    return out;
}

const struct mote_transport mote_line_transport = {ready, send, receive,
                                                   MOTE_DEFAULT_SERIAL_RTO_MS};
