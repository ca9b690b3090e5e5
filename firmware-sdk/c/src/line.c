#include "mote/line.h"

#include <string.h>

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
    struct mote_span out = {NULL, 0};
    enum mote_frame_event event = mote_frame_expire(&line->decoder, clock, &out);
    while (event != MOTE_FRAME_MESSAGE) {
        if (event == MOTE_FRAME_TEXT && line->port->console) {
            line->port->console(line->port_context, out.bytes, out.length);
        }
        int byte = line->port->read(line->port_context);
        if (byte < 0) {
            out.length = 0;
            break;
        }
        event = mote_frame_push(&line->decoder, (uint8_t)byte, clock->now_ms, &out);
    }
    return out;
}

const struct mote_transport mote_line_transport = {ready, send, receive, MOTE_DEFAULT_SERIAL_RTO_MS};

void mote_line_init(struct mote_line *line, const struct mote_port *port, void *port_context) {
    memset(line, 0, sizeof *line);
    line->port = port;
    line->port_context = port_context;
}
