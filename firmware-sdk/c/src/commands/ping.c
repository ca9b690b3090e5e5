#include "mote/commands.h"

enum mote_status mote_command_ping(struct mote_session *session, const void *context, struct mote_arguments *arguments,
                                   struct mote_result *result) {
    (void)session, (void)context, (void)arguments, (void)result;
    return MOTE_STATUS_OK;
}
