#include "mote/commands/commands.h"
#include "mote/session.h"

enum mote_status mote_command_reboot(struct mote_session *session, const void *context,
                                     struct mote_message *request) {
    (void)context, (void)request;
    /* The poll that sends the response reboots after it (SPEC §6.8). */
    mote_session_reboot(session, 0);
    return MOTE_STATUS_OK;
}
