#ifndef MOTE_LOG_QUEUE_H
#define MOTE_LOG_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "mote/session.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Locks a queue for a few instructions at a time; the port provides it. */
struct mote_log_lock {
    /**
     * Locks out interrupts and threads that log. Returns the previous state, so that it works
     * inside another lock and inside an interrupt.
     */
    uint32_t (*enter)(void *context);

    /** Restores the previous state. */
    void (*leave)(void *context, uint32_t before);

    /**
     * A line is ready: wakes the thread that polls. Called without the lock, from wherever the line
     * was logged. NULL: that thread calls mote_log_queue_is_ready before it sleeps.
     */
    void (*wake)(void *context);
    void *context;
};

/**
 * Lines on their way from interrupts and threads to the session's log. A line that has no room is
 * counted, and a line with the count is logged in its place.
 *
 *     out ▼                        ▼ in
 *   free │ head text │ head text │ free
 *
 * What does not fit behind the last line begins at the front again. A writer takes its place with
 * the lock, writes without it, and then says with it that the line is ready: so a line never waits
 * for the writer of an earlier one, but the queue is emptied in order.
 *
 * Set `lock`, zero the rest. Its memory is in config.h: MOTE_LOG_QUEUE_BYTES.
 */
struct mote_log_queue {
    /** NULL: only the thread that polls logs. Set before anything can log. */
    const struct mote_log_lock *lock;
    uint32_t dropped; /* lines without room since the boot */
    uint32_t drained_at_ms;
    uint16_t in, out;
    uint16_t end;   /* where what is used ends, if `in` is in front of `out` */
    uint16_t lines; /* also those that are being written */
    uint16_t lost;  /* lines without room since the last one that had it; 65,535: or more */
    uint8_t bytes[MOTE_LOG_QUEUE_BYTES];
};

/**
 * Writes a formatted line (mote_log_format) into a queue; cut to the size of a report. It becomes a
 * report in the next poll, stamped with the time of that poll. What %s points to is copied.
 *
 * Blocking: no, it takes the queue's lock for some instructions, three times. ISR-safe: yes, with a
 * `lock` that locks interrupts out. Re-entrant: yes, with a `lock`.
 *
 * @returns false: there was no room, and the line is counted as dropped
 */
bool mote_log_queue_write(struct mote_log_queue *queue, enum mote_level level, const char *format,
                          ...) __attribute__((format(printf, 3, 4)));

/**
 * Whether there is a line for the next poll. If no `wake` does it, the thread that polls asks
 * before it sleeps, with interrupts locked out:
 *
 *   lock();
 *   while (!mote_log_queue_is_ready(&queue) && …) sleep_until_an_interrupt();
 *   unlock();
 *
 * Blocking: no. ISR-safe: yes. Re-entrant: yes.
 */
bool mote_log_queue_is_ready(struct mote_log_queue *queue);

/**
 * Context of mote_log_queue_run: the queue, and the other work of the session; called from poll
 * only.
 */
struct mote_log_drain {
    struct mote_log_queue *queue;
    bool (*run)(struct mote_session *session, const void *context); /* NULL: nothing */
    const void *run_context;
};

/**
 * A session's `run` that turns the lines in a queue into reports, and then steps the session's
 * other work, such as mote_jobs_run. `context` is a struct mote_log_drain. It empties the queue
 * at most once a millisecond, so that endless logging does not keep poll from returning.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different sessions. Only poll calls it.
 */
bool mote_log_queue_run(struct mote_session *session, const void *context);

#ifdef __cplusplus
}
#endif

#endif
