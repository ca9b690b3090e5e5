#ifndef MOTE_STATS_H
#define MOTE_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mote/profile.gen.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A task or thread (SPEC §6.9). */
struct mote_task {
    const char *name; /* at most 16 bytes */
    uint8_t state;    /* MOTE_TASK_… */
    bool has_cpu;
    uint32_t cpu[2];     /* processor time since the boot: seconds, milliseconds */
    uint32_t stack_free; /* bytes of stack that were never used; MOTE_STATS_UNKNOWN */
};

#define MOTE_STATS_UNKNOWN 0xffffffffu

/** The measurements of a port. Each is taken when it is requested; called from poll only. */
struct mote_stats_source {
    /** Time since the boot in which the processor was busy: seconds, milliseconds. */
    void (*busy)(void *context, uint32_t cpu[2]);

    /** The task `index`; false past the last. */
    bool (*task)(void *context, unsigned index, struct mote_task *task);

    /** Bytes of heap: in all, free, least that were ever free. NULL: there is no heap. */
    void (*heap)(void *context, uint32_t heap[3]);
    void *context;
};

#ifdef __cplusplus
}
#endif

#endif
