#ifndef MOTE_LINE_H
#define MOTE_LINE_H

#include "mote/frame.h"
#include "mote/platform.h"
#include "mote/transport.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A session's serial line: frames over a port, with console text between them (SPEC §4, §10.2).
 * Set `port`, zero the rest.
 */
struct mote_line {
    const struct mote_port *port;
    void *port_context;
    struct mote_frame_decoder decoder;
};

/** The transport of serial lines; its context is a `struct mote_line`. */
extern const struct mote_transport mote_line_transport;

#ifdef __cplusplus
}
#endif

#endif
