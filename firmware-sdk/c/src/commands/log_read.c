#include "mote/commands/commands.h"
#include "mote/session.h"

enum mote_status mote_command_log_read(struct mote_session *session, const void *context,
                                       struct mote_message *request) {
    (void)context;
    uint32_t from;
    enum mote_status status = mote_dispatch_uint(request, 0xffff, &from);
    if (status != MOTE_STATUS_OK) {
        return status;
    }
    request->results = MOTE_REPORT_ELEMENTS;
    return mote_reports_write(session, (uint16_t)from) ? MOTE_STATUS_OK : MOTE_STATUS_NOT_FOUND;
}
