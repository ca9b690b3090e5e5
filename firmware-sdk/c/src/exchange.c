#include "mote/exchange.h"

#include "mote/session.h"

void mote_exchange_request(struct mote_session *session, struct mote_message *message) {
    struct mote_exchange *record = &session->exchange;
    uint32_t id = message->field[MOTE_REQUEST_ID];
    const struct mote_command *command =
        mote_dispatch_find(session, message->field[MOTE_REQUEST_OP]);
    bool replay = false;
    if (command && command->at_most_once && record->valid) {
        /* Older by serial arithmetic (RFC 1982): a request that was overtaken, and must not happen
         * any more. */
        if ((int16_t)(uint16_t)(record->id - id) > 0) {
            return;
        }
        replay = record->id == id;
    }

    const uint32_t head[] = {MOTE_KIND_RESPONSE, id, MOTE_STATUS_UNIMPLEMENTED};
    struct mote_cbor_writer *writer = mote_session_begin(session, 0, head, 3);
    uint8_t *results = writer->at;
    enum mote_status status = MOTE_STATUS_UNIMPLEMENTED;
    if (replay) {
        status = (enum mote_status)record->status;
    } else if (command) {
        status = command->run(session, command->context, message);
        if (status == MOTE_STATUS_OK && writer->at == writer->end) {
            status = MOTE_STATUS_OUT_OF_RANGE;
        }
        if (status != MOTE_STATUS_OK) {
            writer->at = results;
            message->results = 0;
        }
        if (command->at_most_once) {
            record->valid = true;
            record->id = (uint16_t)id;
            record->status = (uint8_t)status;
        }
    }
    session->scratch[0] = (uint8_t)(session->scratch[0] + 3 + message->results);
    results[-1] = (uint8_t)status;
    mote_session_send(session);
}
