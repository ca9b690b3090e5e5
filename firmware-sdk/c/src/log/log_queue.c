#include "mote/log/log_queue.h"

#include <string.h>

#include "mote/log/log.h"

/* What stands before each text, which ends with a NUL. */
struct head {
    uint16_t size; /* of head and text */
    uint16_t lost; /* lines without room before this one */
    uint8_t level;
    bool is_ready;
};

enum {
    /* One byte more than a report holds: so mote_log sees in which character it cuts. */
    TEXT_BYTES = MOTE_MESSAGE_BYTES - 18,
    LOST_BYTES = sizeof "[65535 lines lost]"
};

static uint32_t enter(const struct mote_log_queue *queue) {
    return queue->lock ? queue->lock->enter(queue->lock->context) : 0;
}

static void leave(const struct mote_log_queue *queue, uint32_t before) {
    if (queue->lock) {
        queue->lock->leave(queue->lock->context, before);
    }
}

/* Whether lines go on at the front. With the lock, as all up to find_ready. */
static bool is_split(const struct mote_log_queue *queue) {
    return queue->lines > 0 && queue->in <= queue->out;
}

/* Takes the place of a line; NULL: there is no room. */
static uint8_t *take_place(struct mote_log_queue *queue, size_t size) {
    if (queue->lines == 0) {
        queue->in = queue->out = 0;
    }
    size_t at = queue->in;
    size_t room = (is_split(queue) ? queue->out : sizeof queue->bytes) - at;
    if (room < size && !is_split(queue)) {
        at = 0;
        room = queue->out;
    }
    if (room < size) {
        queue->dropped++;
        queue->lost = (uint16_t)(queue->lost + (queue->lost < UINT16_MAX));
        return NULL;
    }
    if (at < queue->in) {
        queue->end = queue->in;
    }
    queue->in = (uint16_t)(at + size);
    queue->lines++;
    return queue->bytes + at;
}

/* Gives the place of the oldest line free. */
static void drop_oldest(struct mote_log_queue *queue, size_t size) {
    bool at_end = is_split(queue) && queue->out + size == queue->end;
    queue->out = (uint16_t)(at_end ? 0 : queue->out + size);
    queue->lines--;
}

/* The oldest line, if it is written; with its head. What was lost after the last line counts with
 * an empty one. */
static const char *find_ready(const struct mote_log_queue *queue, struct head *head) {
    if (queue->lines == 0) {
        const struct head nothing = {0, queue->lost, MOTE_WARN, queue->lost > 0};
        *head = nothing;
        return NULL;
    }
    const uint8_t *at = queue->bytes + queue->out;
    memcpy(head, at, sizeof *head);
    return (const char *)at + sizeof *head;
}

bool mote_log_queue_write(struct mote_log_queue *queue, enum mote_level level, const char *format,
                          ...) {
    va_list arguments;
    va_start(arguments, format);
    size_t length = mote_log_format(NULL, TEXT_BYTES + 1, format, arguments);
    va_end(arguments);
    const size_t size = sizeof(struct head) + length + 1;
    uint32_t before = enter(queue);
    uint8_t *at = take_place(queue, size);
    if (at) {
        const struct head head = {(uint16_t)size, queue->lost, (uint8_t)level, false};
        memcpy(at, &head, sizeof head);
        queue->lost = 0;
    }
    leave(queue, before);
    if (!at) {
        return false;
    }
    /* A text that somebody changes meanwhile may have become longer: it is cut where it was. */
    va_start(arguments, format);
    (void)mote_log_format((char *)at + sizeof(struct head), length + 1, format, arguments);
    va_end(arguments);
    before = enter(queue);
    at[offsetof(struct head, is_ready)] = true;
    leave(queue, before);
    if (queue->lock && queue->lock->wake) {
        queue->lock->wake(queue->lock->context);
    }
    return true;
}

bool mote_log_queue_is_ready(struct mote_log_queue *queue) {
    struct head head;
    uint32_t before = enter(queue);
    (void)find_ready(queue, &head);
    leave(queue, before);
    return head.is_ready;
}

static void log_lost(struct mote_session *session, const char *format, ...) {
    char text[LOST_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)mote_log_format(text, sizeof text, format, arguments);
    va_end(arguments);
    mote_log(session, MOTE_WARN, text);
}

/* Logs the oldest line, and what was lost before it. False: none is ready. */
static bool drain_one(struct mote_log_queue *queue, struct mote_session *session) {
    struct head head;
    uint32_t before = enter(queue);
    const char *text = find_ready(queue, &head);
    if (!text) {
        queue->lost = 0;
    }
    leave(queue, before);
    if (!head.is_ready) {
        return false;
    }
    if (head.lost > 0) {
        log_lost(session, "[%u lines lost]", head.lost);
    }
    if (text) {
        /* It stays where it is until it is given free. */
        mote_log(session, (enum mote_level)head.level, text);
        before = enter(queue);
        drop_oldest(queue, head.size);
        leave(queue, before);
    }
    return true;
}

/* Logs what is ready. False: nothing was, or it is not time again. */
static MOTE_NOINLINE bool empty(struct mote_log_queue *queue, struct mote_session *session) {
    uint32_t now_ms = session->clock.now_ms;
    bool progress = false;
    if (queue->drained_at_ms == now_ms) {
        if (mote_log_queue_is_ready(queue)) {
            (void)mote_clock_due(&session->clock, now_ms + 1);
        }
        return false;
    }
    /* What is in it now, and what was lost after that: meanwhile others come. */
    uint32_t before = enter(queue);
    size_t left = queue->lines + 1u;
    leave(queue, before);
    for (; left > 0 && drain_one(queue, session); left--) {
        queue->drained_at_ms = now_ms;
        progress = true;
    }
    return progress;
}

/* The other work is called last, and so without a frame of this one on the stack. */
bool mote_log_queue_run(struct mote_session *session, const void *context) {
    const struct mote_log_drain *drain = context;
    if (empty(drain->queue, session)) {
        return true;
    }
    return drain->run ? drain->run(session, drain->run_context) : false;
}
