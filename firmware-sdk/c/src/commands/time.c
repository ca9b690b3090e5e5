#include "mote/commands.h"
#include "mote/session.h"

enum mote_status mote_command_time(struct mote_session *session, const void *context,
                                   struct mote_message *request) {
    (void)context, (void)request;
    if (!session->time_set) {
        return MOTE_STATUS_FAILED_PRECONDITION;
    }
    uint32_t ms = session->ahead_ms + session->clock.now_ms - session->second_at_ms;
    const uint32_t values[] = {session->uptime_s + session->ahead_s + ms / 1000u, ms % 1000u};
    mote_cbor_write_uints(&session->writer, values, 2);
    request->results = 2;
    return MOTE_STATUS_OK;
}
