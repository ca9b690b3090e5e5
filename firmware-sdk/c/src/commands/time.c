#include "mote/commands/commands.h"
#include "mote/session.h"

bool mote_time_read(const struct mote_session *session, uint32_t now[2]) {
    uint32_t ms = session->ahead_ms + session->clock.now_ms - session->second_at_ms;
    now[0] = session->uptime_s + session->ahead_s + ms / 1000u;
    now[1] = ms % 1000u;
    return session->time_set;
}

enum mote_status mote_command_time(struct mote_session *session, const void *context,
                                   struct mote_message *request) {
    (void)context;
    uint32_t now[2];
    if (!mote_time_read(session, now)) {
        return MOTE_STATUS_FAILED_PRECONDITION;
    }
    mote_cbor_write_uints(&session->writer, now, 2);
    request->results = 2;
    return MOTE_STATUS_OK;
}
