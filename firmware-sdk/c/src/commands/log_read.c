#include "mote/commands.h"
#include "mote/session.h"

enum mote_status mote_command_log_read(struct mote_session *session, const void *context, struct mote_arguments *arguments,
                                       struct mote_result *result) {
    (void)context;
    uint32_t from;
    struct mote_log_entry entry;
    enum mote_status status = mote_dispatch_uint(arguments, 0xffff, &from);
    if (status != MOTE_STATUS_OK) {
        return status;
    }
    if (!mote_log_ring_find(&session->reports.ring, (uint16_t)from, &entry)) {
        return MOTE_STATUS_NOT_FOUND;
    }
    mote_reports_write_head(session, &entry);
    result->body[0] = entry.body[0];
    result->body[1] = entry.body[1];
    result->items = (uint8_t)(2 + entry.elements);
    return MOTE_STATUS_OK;
}
