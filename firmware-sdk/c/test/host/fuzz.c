/*
 * The device of the test driver behind libFuzzer: whatever a gateway may send, it reads and writes
 * within bounds. MOTE_FUZZ names what the bytes are:
 *
 *   codec     a message, and a line that frames come by
 *   dispatch  messages to an open session, each behind its length
 *   N         the arguments of a request of op N, as a CBOR array
 *
 * Each message lies on the heap, exactly as long as it is.
 */
#define main driver_main
#include "driver.c"
#undef main

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static enum { CODEC, DISPATCH, ARGUMENTS } target;
static uint8_t op;
static const uint8_t welcome[] = {0x89, 1, 1, 7, 0, 0x82, 0, 0, 10, 0x19, 1, 0xf4, 4, 0};

static void discard(void *context, struct mote_parts *message) {
    static uint8_t sent[MOST];
    (void)context;
    for (unsigned i = 0; i < MOTE_PARTS; i++) {
        if (message->part[i].length > 0) {
            memcpy(sent, message->part[i].bytes, message->part[i].length);
        }
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    const char *name = getenv("MOTE_FUZZ");
    (void)argc, (void)argv;
    if (!name || !freopen("/dev/null", "w", stdout)) {
        fprintf(stderr, "MOTE_FUZZ: expected codec, dispatch or an op\n");
        exit(64);
    }
    op = (uint8_t)atoi(name);
    target = strcmp(name, "codec") == 0 ? CODEC : op ? ARGUMENTS : DISPATCH;
    transport.send = discard;
    return 0;
}

static void take(uint32_t now_ms, const uint8_t *bytes, size_t length) {
    uint8_t *copy = malloc(length ? length : 1);
    if (length > 0) {
        memcpy(copy, bytes, length);
    }
    received.bytes = copy;
    received.length = length;
    (void)mote_session_poll(session, now_ms);
    received.length = 0;
    free(copy);
}

static void try_codec(const uint8_t *bytes, size_t length) {
    uint8_t *copy = malloc(length ? length : 1);
    struct mote_message message;
    struct mote_span span = {copy, length};
    if (length > 0) {
        memcpy(copy, bytes, length);
    }
    (void)!mote_message_decode(copy, length, &message);
    memset(&decoder, 0, sizeof decoder);
    push(0, span);
    free(copy);
}

static void try_dispatch(const uint8_t *bytes, size_t length) {
    uint32_t now_ms = 20;
    while (length > 1) {
        size_t count = bytes[0] < length - 1 ? bytes[0] : length - 1;
        take(now_ms += 100, bytes + 1, count);
        bytes += 1 + count;
        length -= 1 + count;
    }
}

static void try_arguments(const uint8_t *bytes, size_t length) {
    uint8_t request[MOTE_MESSAGE_BYTES];
    unsigned count = bytes[0] & 31u;
    if (length > sizeof request - 5 || bytes[0] >> 5 != MOTE_CBOR_ARRAY || count > 20) {
        return;
    }
    uint8_t *at = request;
    *at++ = (uint8_t)(0x83 + count);
    *at++ = MOTE_KIND_REQUEST;
    *at++ = 1;
    if (op > 23) {
        *at++ = 0x18;
    }
    *at++ = op;
    memcpy(at, bytes + 1, length - 1);
    take(20, request, (size_t)(at - request) + length - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    if (length == 0 || length > MOTE_MESSAGE_BYTES * 4) {
        return 0;
    }
    if (target == CODEC) {
        try_codec(bytes, length);
        return 0;
    }
    begin_session("1 65535 500 77 0 0");
    mote_session_open(session);
    (void)mote_session_poll(session, 0);
    take(10, welcome, sizeof welcome);
    if (session->machine.phase != MOTE_SESSION_OPEN) {
        abort(); /* or nothing would be tried */
    }
    if (target == DISPATCH) {
        try_dispatch(bytes, length);
    } else {
        try_arguments(bytes, length);
    }
    /* What has begun to run gets on. */
    for (uint32_t now_ms = 10000; now_ms < 13000; now_ms += 500) {
        (void)mote_session_poll(session, now_ms);
    }
    return 0;
}
