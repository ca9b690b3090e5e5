/*
 * Threads that hammer a queue while another one polls:
 *
 *   log-queue-threads LINES
 *
 * Each thread writes numbered lines of several lengths; each has to arrive whole, once, in its
 * thread's order, or to be counted as lost. Prints how many arrived and how many were lost. Built
 * once with the thread sanitizer, once with those of addresses and undefined behaviour.
 */
#define _XOPEN_SOURCE 700

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mote/log/log.h"

enum { THREADS = 4, LENGTHS = 60 };

struct mote_log_queue mote_log_queue;

static unsigned long lines_each;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* What wakes the poll, and how many threads are not done; a lock of their own. */
static pthread_mutex_t state = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned awake, writing = THREADS;

static uint32_t enter(void *context) {
    (void)context;
    (void)pthread_mutex_lock(&mutex);
    return 0;
}

static void leave(void *context, uint32_t before) {
    (void)context, (void)before;
    (void)pthread_mutex_unlock(&mutex);
}

static void wake(void *context) {
    (void)context;
    (void)pthread_mutex_lock(&state);
    awake++;
    (void)pthread_cond_signal(&changed);
    (void)pthread_mutex_unlock(&state);
}

static const struct mote_log_lock lock = {enter, leave, wake, NULL};

static void fail(const char *what, const char *line) {
    printf("%s: %s\n", what, line);
    exit(1);
}

static unsigned length_of(unsigned thread, unsigned long number) {
    return (unsigned)((number * 7 + thread * 13) % LENGTHS);
}

static void *write_lines(void *context) {
    unsigned thread = *(unsigned *)context;
    char text[LENGTHS + 1];
    for (unsigned long number = 0; number < lines_each; number++) {
        unsigned length = length_of(thread, number);
        memset(text, (int)('a' + thread), length);
        text[length] = '\0';
        bool had_room = mote_log_queue_write(&mote_log_queue, MOTE_INFO, "%u %lu %s.", thread, number,
                                             text);
        memset(text, '#', sizeof text - 1); /* it has been copied */
        if (!had_room) {
            (void)sched_yield();
        }
    }
    (void)pthread_mutex_lock(&state);
    writing--;
    (void)pthread_cond_signal(&changed);
    (void)pthread_mutex_unlock(&state);
    return NULL;
}

static bool is_ready(void *context) {
    (void)context;
    return true;
}

static void send(void *context, struct mote_parts *message) {
    (void)context, (void)message;
}

static struct mote_span receive(void *context, struct mote_clock *clock) {
    const struct mote_span nothing = {NULL, 0};
    (void)context, (void)clock;
    return nothing;
}

static struct mote_session session;
static uint16_t next_seq;
static unsigned long arrived, lost, next_of[THREADS];

static void take_lines(void) {
    struct mote_log_entry entry;
    const uint8_t *text;
    uint16_t seq = next_seq;
    for (; (text = mote_log_ring_find(&session.reports.ring, &seq, &entry)); seq++) {
        char line[MOTE_MESSAGE_BYTES];
        memcpy(line, text, entry.length);
        line[entry.length] = '\0';
        unsigned thread, count;
        unsigned long number;
        int start;
        if (seq != next_seq++) {
            fail("the ring has moved on before", line);
        }
        if (sscanf(line, "[%u lines lost]", &count) == 1) {
            lost += count;
            continue;
        }
        if (sscanf(line, "%u %lu %n", &thread, &number, &start) != 2 || thread >= THREADS ||
            number < next_of[thread] || number >= lines_each) {
            fail("not in order", line);
        }
        unsigned length = length_of(thread, number);
        if (strlen(line + start) != length + 1 || line[(unsigned)start + length] != '.' ||
            strspn(line + start, (const char[]){(char)('a' + thread), '\0'}) != length) {
            fail("not whole", line);
        }
        next_of[thread] = number + 1;
        arrived++;
    }
}

int main(int count, char **values) {
    static const struct mote_log_drain drain = {&mote_log_queue, NULL, NULL};
    static const struct mote_identity identity;
    static const struct mote_transport transport = {is_ready, send, receive, 0};
    static const struct mote_session_config config = {.transport = &transport,
                                                      .identity = &identity,
                                                      .run = mote_log_queue_run,
                                                      .run_context = &drain};
    const struct mote_boot boot = {1, 1, 0};
    pthread_t threads[THREADS];
    unsigned names[THREADS];
    uint32_t now_ms = 0;
    if (count != 2) {
        return 2;
    }
    lines_each = strtoul(values[1], NULL, 10);
    mote_log_queue.lock = &lock;
    mote_session_init(&session, &config, &boot, now_ms);
    for (unsigned i = 0; i < THREADS; i++) {
        names[i] = i;
        if (pthread_create(&threads[i], NULL, write_lines, &names[i]) != 0) {
            return 2;
        }
    }
    for (bool done = false; !done;) {
        (void)pthread_mutex_lock(&state);
        while (awake == 0 && writing > 0) {
            (void)pthread_cond_wait(&changed, &state);
        }
        awake = 0;
        done = writing == 0;
        (void)pthread_mutex_unlock(&state);
        (void)mote_session_poll(&session, ++now_ms);
        take_lines();
    }
    for (unsigned i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    (void)mote_session_poll(&session, ++now_ms);
    take_lines();
    if (arrived + lost != THREADS * lines_each || lost != mote_log_queue.dropped) {
        printf("%lu arrived and %lu were lost of %lu\n", arrived, lost, THREADS * lines_each);
        return 1;
    }
    printf("%lu %lu\n", arrived, lost);
    return 0;
}
