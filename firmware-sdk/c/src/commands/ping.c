#include "mote/commands/commands.h"

enum mote_status mote_command_ping(struct mote_session *session, const void *context,
                                   struct mote_message *request) {
    (void)session, (void)context, (void)request;
    return MOTE_STATUS_OK;
}
