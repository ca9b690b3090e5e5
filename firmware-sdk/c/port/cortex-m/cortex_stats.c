#include "cortex_stats.h"

#include "cortex_time.h"
#include "start.h"

static void get_busy(void *context, uint32_t cpu[2]) {
    uint32_t idle[2];
    (void)context;
    time_read_spent(cpu, idle);
}

static bool get_task(void *context, unsigned index, struct mote_task *task) {
    uint32_t busy[2], idle[2];
    (void)context;
    time_read_spent(busy, idle);
    bool is_main = index == 0;
    task->name = is_main ? "main" : "idle";
    task->state = (uint8_t)(is_main ? MOTE_TASK_RUNNING : MOTE_TASK_READY);
    task->has_cpu = true;
    task->cpu[0] = is_main ? busy[0] : idle[0];
    task->cpu[1] = is_main ? busy[1] : idle[1];
    /* Idle is the main loop asleep, on the same stack. */
    task->stack_free = is_main ? start_stack_free() : MOTE_STATS_UNKNOWN;
    return index < 2;
}

const struct mote_stats_source cortex_stats = {get_busy, get_task, NULL, NULL};
