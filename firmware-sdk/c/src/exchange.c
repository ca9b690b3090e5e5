#include "mote/exchange.h"

#include <string.h>

#include "mote/session.h"

void mote_exchange_request(struct mote_session *session, const struct mote_message *message) {
    struct mote_exchange *record = &session->exchange;
    uint16_t id = (uint16_t)message->field[MOTE_REQUEST_ID];
    const struct mote_command *command = mote_dispatch_find(session, message->field[MOTE_REQUEST_OP]);
    bool replay = false;
    if (command && command->once && record->valid) {
        /* Older by serial arithmetic (RFC 1982): a request that was overtaken, and must not happen any more. */
        if ((int16_t)(uint16_t)(record->id - id) > 0) {
            return;
        }
        replay = record->id == id;
    }

    struct mote_arguments arguments = {{message->body.bytes, message->body.bytes + message->body.length},
                                       message->rest};
    const uint32_t head[] = {MOTE_KIND_RESPONSE, id, MOTE_STATUS_UNIMPLEMENTED};
    struct mote_result result = {mote_session_begin(session, 0, head, 3), {{NULL, 0}, {NULL, 0}}, 0};
    uint8_t *results = result.writer->at;
    enum mote_status status = MOTE_STATUS_UNIMPLEMENTED;
    if (replay) {
        status = (enum mote_status)record->status;
        result.items = record->items;
        mote_cbor_write_raw(result.writer, record->result, record->length);
    } else if (command) {
        status = command->run(session, command->context, &arguments, &result);
        if (status == MOTE_STATUS_OK && result.writer->at == result.writer->end) {
            status = MOTE_STATUS_OUT_OF_RANGE;
        }
        if (status != MOTE_STATUS_OK) {
            result.writer->at = results;
            memset(&result.body, 0, sizeof result.body);
            result.items = 0;
        }
        if (command->once) {
            record->valid = true;
            record->id = id;
            record->status = (uint8_t)status;
            record->items = result.items;
            record->length = (uint8_t)(result.writer->at - results);
            memcpy(record->result, results, sizeof record->result);
        }
    }
    session->scratch[0] = (uint8_t)(MOTE_CBOR_ARRAY << 5 | (3u + result.items));
    results[-1] = (uint8_t)status;
    mote_session_send(session, result.body);
}
