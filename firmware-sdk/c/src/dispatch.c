#include "mote/dispatch.h"

#include "mote/session.h"

const struct mote_command *mote_dispatch_find(const struct mote_session *session, uint32_t op) {
    const struct mote_command *command = session->config->commands;
    for (unsigned left = session->config->command_count; left > 0; left--, command++) {
        if (command->op == op) {
            return command;
        }
    }
    return NULL;
}

enum mote_status mote_dispatch_uint(struct mote_message *request, uint32_t max, uint32_t *value) {
    struct mote_cbor_head head;
    if (request->rest == 0 || mote_cbor_read_head(&request->body, &head) ||
        head.major != MOTE_CBOR_UINT || head.wide || head.value > max) {
        request->rest = 0; /* what follows cannot be found any more */
        *value = 0;
        return MOTE_STATUS_INVALID_ARGUMENT;
    }
    request->rest--;
    *value = head.value;
    return MOTE_STATUS_OK;
}
