#include <string.h>

#include "mote/commands/print.h"
#include "mote/commands/stats.h"
#include "mote/session.h"
#include "mote/shell/shell.h"

enum { FIRST_TASK = 1, TOP_EACH_MS = 1000 };

static void print_time(struct mote_job *job, const uint32_t time[2]) {
    mote_print_number(job, time[0]);
    mote_print(job, ".");
    mote_print_digits(job, time[1], 3);
}

static void print_task(struct mote_job *job, const struct mote_task *task) {
    static const char *const states[] = {"running\t", "ready\t", "blocked\t", "suspended\t"};
    mote_print(job, states[task->state]);
    if (task->has_cpu) {
        print_time(job, task->cpu);
    } else {
        mote_print(job, "-");
    }
    mote_print(job, "\t");
    if (task->stack_free == MOTE_STATS_UNKNOWN) {
        mote_print(job, "-");
    } else {
        mote_print_number(job, task->stack_free);
    }
    mote_print(job, "\t");
    mote_print(job, task->name);
    mote_print(job, "\n");
}

/* Line `state` of the table: its head, then one for each task. DONE: there is no such line. */
static enum mote_step step_table(struct mote_job *job) {
    const struct mote_stats_source *stats = job->device->stats;
    struct mote_task task;
    unsigned line = job->state;
    if (line >= FIRST_TASK && !stats->task(stats->context, line - FIRST_TASK, &task)) {
        return MOTE_STEP_DONE;
    }
    if (!mote_print_begin(job, job->out)) {
        return MOTE_STEP_WAIT;
    }
    if (line < FIRST_TASK) {
        mote_print(job, "STATE\tCPU\tSTACK\tNAME\n");
    } else {
        print_task(job, &task);
    }
    if (!mote_print_end(job)) {
        return MOTE_STEP_WAIT;
    }
    job->state++;
    return MOTE_STEP_MORE;
}

enum mote_step mote_shell_ps(struct mote_session *session, struct mote_job *job) {
    (void)session;
    struct mote_shell_call call;
    /* They change nothing: all tasks are there, with all that is known of them. */
    return mote_shell_called(job, "Aef", 0, 0, &call) ? step_table(job)
                                                      : mote_shell_refuse(job, &call);
}

static uint32_t in_ms(const uint32_t time[2]) {
    return time[0] * 1000u + time[1]; /* modulo 2^32: only differences count */
}

/* top's memory: when the table before was begun, and how busy the processor was till then; how many
 * are still to come; and the percentage that is being printed, so that a line that is printed in
 * two pieces does not change in between. */
enum { TOP_AT, TOP_BUSY, TOP_LEFT, TOP_PERCENT };

static void measure(const struct mote_session *session, struct mote_job *job) {
    const struct mote_stats_source *stats = job->device->stats;
    uint32_t *memory = job->memory.word, cpu[2];
    stats->busy(stats->context, cpu);
    uint32_t now_ms = session->uptime_s * 1000u + session->clock.now_ms - session->second_at_ms;
    uint32_t passed = now_ms - memory[TOP_AT], busy = in_ms(cpu) - memory[TOP_BUSY];
    while (busy > 0xffffffff / 100u) {
        busy >>= 1;
        passed >>= 1;
    }
    memory[TOP_PERCENT] = passed ? busy * 100u / passed : 0;
    memory[TOP_PERCENT] = memory[TOP_PERCENT] < 100 ? memory[TOP_PERCENT] : 100;
    memory[TOP_AT] = now_ms;
    memory[TOP_BUSY] = in_ms(cpu);
}

static bool print_summary(const struct mote_session *session, struct mote_job *job) {
    const struct mote_stats_source *stats = job->device->stats;
    if (!mote_print_begin(job, job->out)) {
        return false;
    }
    mote_print(job, "up ");
    mote_print_number(job, session->uptime_s);
    mote_print(job, " s, cpu ");
    mote_print_number(job, job->memory.word[TOP_PERCENT]);
    mote_print(job, " %");
    if (stats->heap) {
        uint32_t heap[3];
        stats->heap(stats->context, heap);
        mote_print(job, ", heap ");
        mote_print_number(job, heap[1]);
        mote_print(job, " of ");
        mote_print_number(job, heap[0]);
        mote_print(job, " free");
    }
    mote_print(job, "\n");
    return mote_print_end(job);
}

/* state: 0 at first; then the steps of a table, with SUMMARY, CLEAR and PAUSE in addition. */
enum { START = 0x4000, CLEAR, SUMMARY, PAUSE };

enum mote_step mote_shell_top(struct mote_session *session, struct mote_job *job) {
    enum { BATCH = 1, COUNT = 2 };
    uint32_t *memory = job->memory.word, times = 1;
    struct mote_shell_call call;
    bool called = mote_shell_called(job, "bn:", 0, 0, &call), counts = (call.given & COUNT) != 0;
    if (!called || (counts && (!mote_parse_number(call.value, 0xffff, &times) || times == 0))) {
        return mote_shell_refuse(job, &call);
    }
    bool is_terminal = (job->flags & MOTE_JOB_TTY) != 0 && !(call.given & BATCH);
    if (job->state == 0 && memory[TOP_LEFT] == 0) {
        memory[TOP_LEFT] = !counts && is_terminal ? 0xffffffff : times;
        measure(session, job);
        job->state = SUMMARY;
    }
    if (job->state == PAUSE) {
        uint32_t due_ms = memory[TOP_AT] + TOP_EACH_MS;
        uint32_t ahead = session->uptime_s * 1000u - session->second_at_ms;
        if (!mote_clock_due(&session->clock, due_ms - ahead)) {
            return MOTE_STEP_WAIT;
        }
        measure(session, job);
        job->state = is_terminal ? CLEAR : SUMMARY;
    }
    if (job->state == CLEAR) {
        if (!mote_print_begin(job, job->out)) {
            return MOTE_STEP_WAIT;
        }
        mote_print(job, "\033[H\033[J");
        if (!mote_print_end(job)) {
            return MOTE_STEP_WAIT;
        }
        job->state = SUMMARY;
    }
    if (job->state == SUMMARY) {
        if (!print_summary(session, job)) {
            return MOTE_STEP_WAIT;
        }
        job->state = 0;
    }
    enum mote_step step = step_table(job);
    if (step != MOTE_STEP_DONE || --memory[TOP_LEFT] == 0) {
        return step;
    }
    job->state = PAUSE;
    return MOTE_STEP_MORE;
}

enum mote_step mote_shell_free(struct mote_session *session, struct mote_job *job) {
    (void)session;
    static const char *const names[] = {"total ", "free ", "least "};
    const struct mote_stats_source *stats = job->device->stats;
    uint32_t heap[3];
    struct mote_shell_call call;
    if (!mote_shell_called(job, "b", 0, 0, &call)) {
        return mote_shell_refuse(job, &call);
    }
    if (!stats->heap) {
        return mote_shell_fail(job, 1, "there is no heap", NULL);
    }
    stats->heap(stats->context, heap);
    if (!mote_print_begin(job, job->out)) {
        return MOTE_STEP_WAIT;
    }
    for (unsigned i = 0; i < 3; i++) {
        mote_print(job, names[i]);
        mote_print_number(job, heap[i]);
        mote_print(job, "\n");
    }
    return mote_print_end(job) ? MOTE_STEP_DONE : MOTE_STEP_WAIT;
}
