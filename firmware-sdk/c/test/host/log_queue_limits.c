/*
 * The queue of lines at its limits and one past them, step by step on one thread; what the polls made
 * of the lines is read from the session's ring. Ends at the first thing that is wrong. Built with
 * sanitizers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mote/log/log.h"
#include "mote/version.h"

/* Bytes of a report's text; bytes in the queue in addition to a text. */
enum { MOST = MOTE_MESSAGE_BYTES - 19, HEAD = 7 };
enum { IS_SMALL = sizeof(int) == 2, ROUNDS = IS_SMALL ? 500 : 20000 };

struct mote_log_queue mote_log_queue;
static struct mote_session session;
static uint32_t now_ms;
static uint16_t next_seq;
static char shown[8192];

static void fail(int line, const char *what) {
    printf("line %d: %s; the log has:\n%s", line, what, shown);
    exit(1);
}

#define CHECK(is_true) ((is_true) ? (void)0 : fail(__LINE__, #is_true))
#define CHECK_LOG(expected) (show(), strcmp(shown, expected) ? fail(__LINE__, expected) : (void)0)

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

static unsigned runs;

static bool run(struct mote_session *of, const void *context) {
    (void)of;
    CHECK(context == &runs);
    runs++;
    return false;
}

static const struct mote_log_drain drain = {&mote_log_queue, run, &runs};
static const struct mote_identity identity;
static const struct mote_transport transport = {is_ready, send, receive, 0};
static const struct mote_session_config config = {.transport = &transport,
                                                  .identity = &identity,
                                                  .run = mote_log_queue_run,
                                                  .run_context = &drain};

static void begin(void) {
    static const struct mote_boot boot = {1, 1, 0};
    memset(&mote_log_queue, 0, sizeof mote_log_queue);
    memset(&session, 0, sizeof session);
    now_ms = next_seq = 0;
    mote_session_init(&session, &config, &boot, now_ms);
}

static uint32_t poll(void) {
    return mote_session_poll(&session, ++now_ms);
}

/* Level and text of what was logged since this was called last. */
static void show(void) {
    struct mote_log_entry entry;
    const uint8_t *text;
    char *at = shown;
    for (; (text = mote_log_ring_find(&session.reports.ring, &next_seq, &entry)); next_seq++) {
        at += sprintf(at, "%d ", entry.level);
        memcpy(at, text, entry.length);
        at += entry.length;
        *at++ = '\n';
    }
    *at = '\0';
}

/* A text of `length` bytes. */
static const char *long_text(char letter, size_t length) {
    static char text[2 * MOTE_LOG_QUEUE_BYTES];
    memset(text, letter, length);
    text[length] = '\0';
    return text;
}

static bool write(size_t length) {
    return mote_log_queue_write(&mote_log_queue, MOTE_INFO, "%s", long_text('x', length - HEAD));
}

static void levels_and_order(void) {
    static const char *volatile nothing; /* the compiler would warn */
    begin();
    MOTE_LOGD("debug %d", 1);
    MOTE_LOGI("info %u %s", 2u, nothing);
    MOTE_LOGW("warn %x", 0xabcu);
    MOTE_LOGE("error");
    CHECK(mote_log_queue_is_ready(&mote_log_queue));
    CHECK(session.reports.ring.next_seq == 0);
    (void)poll();
    CHECK_LOG("0 debug 1\n1 info 2 (null)\n2 warn abc\n3 error\n");
    CHECK(!mote_log_queue_is_ready(&mote_log_queue));
    (void)poll();
    CHECK_LOG("");
    CHECK(runs > 0);
}

/* As long as a report can be; one byte more is cut, and no character in its middle. */
static void longest_line(void) {
    char expected[MOST + 8];
    begin();
    MOTE_LOGI("%s", long_text('a', MOST));
    (void)poll();
    (void)sprintf(expected, "1 %s\n", long_text('a', MOST));
    CHECK_LOG(expected);
    MOTE_LOGI("%s", long_text('b', MOST + 1));
    (void)poll();
    (void)sprintf(expected, "1 %s\n", long_text('b', MOST));
    CHECK_LOG(expected);
    MOTE_LOGI("%s%s", long_text('c', MOST - 1), "\xc2\xb0" "C"); /* the degree sign */
    (void)poll();
    (void)sprintf(expected, "1 %s\n", long_text('c', MOST - 1));
    CHECK_LOG(expected);
    MOTE_LOGI("%s%s", long_text('d', MOST - 2), "\xc2\xb0" "C");
    (void)poll();
    (void)sprintf(expected, "1 %s\xc2\xb0\n", long_text('d', MOST - 2));
    CHECK_LOG(expected);
    CHECK(mote_log_queue.dropped == 0);
}

/* Filled to the last byte; what comes then is lost, until there is room again, and is reported at
 * its place. */
static void full(void) {
    char expected[1024];
    begin();
    CHECK(write(100) && write(100) && write(MOTE_LOG_QUEUE_BYTES - 200));
    CHECK(!write(HEAD));
    CHECK(!write(HEAD));
    CHECK(mote_log_queue.dropped == 2);
    (void)poll();
    size_t length = 0;
    for (unsigned i = 0; i < 3; i++) {
        size_t size = i < 2 ? 100 : MOTE_LOG_QUEUE_BYTES - 200;
        length += (size_t)sprintf(expected + length, "1 %s\n", long_text('x', size - HEAD));
    }
    (void)strcpy(expected + length, "2 [2 lines lost]\n");
    CHECK_LOG(expected);

    begin();
    CHECK(write(200) && !write(100)); /* 56 bytes are left */
    CHECK(write(56));
    CHECK(!write(8));
    (void)poll();
    (void)sprintf(expected, "1 %s\n", long_text('x', 193));
    (void)sprintf(expected + strlen(expected), "2 [1 lines lost]\n1 %s\n2 [1 lines lost]\n",
                  long_text('x', 49));
    CHECK_LOG(expected);
    CHECK(mote_log_queue.dropped == 2);
    CHECK(write(MOTE_LOG_QUEUE_BYTES - 11)); /* the longest, in an empty queue */
    (void)poll();
    CHECK(mote_log_queue.dropped == 2);
}

/* No count goes round. Most of the losses are only noted on a chip with 16 bits: it takes seconds for them. */
static void most_lost(void) {
    const uint16_t noted = IS_SMALL ? 65000 : 0;
    begin();
    CHECK(write(200));
    mote_log_queue.lost = noted;
    mote_log_queue.dropped = noted;
    for (uint32_t i = noted; i < 65534; i++) {
        CHECK(!write(100));
    }
    CHECK(mote_log_queue.lost == 65534 && !write(100));
    CHECK(mote_log_queue.lost == 65535 && !write(100));
    CHECK(mote_log_queue.lost == 65535 && mote_log_queue.dropped == 65536);
    (void)poll();
    next_seq++;
    CHECK_LOG("2 [65535 lines lost]\n");
}

/* A queue that always has something in it, with lines of all lengths: it splits at each place. */
static void wrapping(void) {
    uint32_t random = 1, written = 0, read = 0, lost = 0;
    begin();
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (uint32_t count = (random >> 9) % 5; count > 0; count--) {
            random = random * 1664525u + 1013904223u;
            size_t size = (size_t)(20 + (random >> 8) % 90);
            lost += !mote_log_queue_write(&mote_log_queue, MOTE_INFO, "%08lx%s",
                                          (unsigned long)written++,
                                          long_text((char)('a' + size % 26), size - HEAD - 8));
        }
        random = random * 1664525u + 1013904223u;
        (void)poll();
        struct mote_log_entry entry;
        const uint8_t *text;
        for (; (text = mote_log_ring_find(&session.reports.ring, &next_seq, &entry)); next_seq++) {
            char line[256];
            unsigned long number;
            memcpy(line, text, entry.length);
            line[entry.length] = '\0';
            if (sscanf(line, "[%lu lines lost]", &number) == 1) {
                read += (uint32_t)number;
                continue;
            }
            CHECK(sscanf(line, "%8lx", &number) == 1 && number == read);
            for (size_t i = 8; i < entry.length; i++) {
                CHECK(line[i] == (char)('a' + (entry.length + HEAD) % 26u));
            }
            read++;
        }
    }
    CHECK(read == written && lost == mote_log_queue.dropped && lost > ROUNDS / 200);
}

/* Endless logging does not keep poll from returning, nor the session from its work. */
static bool log_on(struct mote_session *of, const void *context) {
    (void)of, (void)context;
    runs++;
    CHECK(runs < 100);
    MOTE_LOGI("again");
    return false;
}

static void flood(void) {
    static const struct mote_log_drain flooding = {&mote_log_queue, log_on, NULL};
    static struct mote_session_config flooded;
    begin();
    flooded = config;
    flooded.run_context = &flooding;
    session.config = &flooded;
    runs = 0;
    now_ms = 1000;
    MOTE_LOGI("first");
    (void)mote_session_poll(&session, now_ms);
    CHECK_LOG("1 first\n");
    CHECK(mote_log_queue_is_ready(&mote_log_queue)); /* what the poll itself has logged */
    CHECK(mote_session_poll(&session, now_ms) == 1); /* in a millisecond again */
    CHECK_LOG("");
    (void)mote_session_poll(&session, now_ms + 1);
    CHECK_LOG("1 again\n1 again\n");
    CHECK(runs == 3);
}

/* The line of a boot: what is not known, and the most that each part has. */
static void boot_lines(void) {
    static const uint8_t id[8] = {0, 1, 2, 0xfe, 0xff, 0x80, 0x7f, 0x10};
    static const struct mote_identity longest = {
        .value = {[MOTE_BOARD] = {(const uint8_t *)"a board of 16 by", 16},
                  [MOTE_BUILD_ID] = {id, sizeof id}}};
    static struct mote_session_config other;
    begin();
    mote_log_boot(&session);
    CHECK_LOG("1 boot 1: " MOTE_SDK ", board unknown, reset: unknown, build unknown\n");
    other = config;
    other.identity = &longest;
    session.config = &other;
    session.boot.number = UINT32_MAX;
    session.boot.reset_cause = MOTE_RESET_WAKE_FROM_SLEEP;
    mote_log_boot(&session);
    CHECK_LOG("1 boot 4294967295: " MOTE_SDK
              ", board a board of 16 by, reset: wake from sleep, build 000102feff807f10\n");
    session.boot.reset_cause = MOTE_RESET_WAKE_FROM_SLEEP + 1;
    mote_log_boot(&session);
    show();
    CHECK(strstr(shown, ", reset: unknown, ") != NULL);
}

/* An interrupt that comes while a line is written: its own is kept back until that is ready. */
static unsigned depth;
static uint32_t enter(void *context) {
    (void)context;
    return depth++;
}

static void leave(void *context, uint32_t before) {
    (void)context;
    depth--;
    CHECK(depth == before);
    if (before == 0 && mote_log_queue.lines == 1 && runs == 0) {
        runs = 1;
        MOTE_LOGW("from an interrupt");
        CHECK(!mote_log_queue_is_ready(&mote_log_queue));
        now_ms++;
        (void)mote_session_poll(&session, now_ms);
        CHECK(session.reports.ring.next_seq == 0);
    }
}

static unsigned wakes;
static void wake(void *context) {
    CHECK(depth == 0 && context == &wakes);
    wakes++;
}

static void interrupted(void) {
    static const struct mote_log_lock lock = {enter, leave, wake, &wakes};
    begin();
    session.config = &config;
    mote_log_queue.lock = &lock;
    runs = 0;
    MOTE_LOGI("interrupted");
    CHECK(wakes == 2);
    (void)poll();
    CHECK_LOG("1 interrupted\n2 from an interrupt\n");
}

int main(void) {
    levels_and_order();
    longest_line();
    full();
    most_lost();
    wrapping();
    flood();
    interrupted();
    boot_lines();
    return 0;
}
