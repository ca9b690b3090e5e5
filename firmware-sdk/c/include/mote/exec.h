#ifndef MOTE_EXEC_H
#define MOTE_EXEC_H

#include "mote/stream.h"

/** Commands that run at a time. RAM: MOTE_MESSAGE_BYTES each, for the most part their argv. */
#ifndef MOTE_EXEC_JOBS
#define MOTE_EXEC_JOBS MOTE_STREAMS
#endif

/** Longest argv, bytes with the heads of its texts (SPEC §6.3). */
#define MOTE_EXEC_ARGV_BYTES (MOTE_MESSAGE_BYTES - MOTE_LIMIT_ARGV_RESERVE_BYTES)

struct mote_exec;
struct mote_job;

/** What a step of a program came to. */
enum mote_step {
    MOTE_STEP_WAIT, /* until its input, its output's room or the time changes */
    MOTE_STEP_MORE, /* got further: step again */
    MOTE_STEP_DONE  /* ended, with job->exit_code */
};

/**
 * A program of the shell: called again and again by poll until it is done; must not block. What it
 * has to remember between steps is in `state` (0 at first).
 */
struct mote_program {
    const char *name;
    const char *help;
    enum mote_step (*step)(struct mote_session *session, struct mote_job *job);
    mote_stream_take *take; /* its stdin; NULL: it reads none */
};

/** A running command. */
struct mote_job {
    const struct mote_program *programs; /* all there are */
    const struct mote_program *program;  /* this one */
    struct mote_stream *out;             /* stdin and stdout */
    struct mote_stream *err; /* stderr; the same as `out` where there is no second stream */
    uint16_t state;
    uint8_t out_id; /* 0: this slot is free */
    uint8_t err_id; /* 0: no second stream */
    uint8_t argc;
    uint8_t exit_code;
    bool has_stdin;
    char argv[MOTE_EXEC_ARGV_BYTES]; /* texts, each with a NUL */
};

/** What can be run, and what runs. `programs` ends with a row without a name, for names that are
 * not in it. */
struct mote_exec {
    const struct mote_program *programs;
    struct mote_job *jobs; /* MOTE_EXEC_JOBS, zeroed at first */
};

/** Steps the jobs; the session's `run`. `context` is a struct mote_exec. */
bool mote_exec_run(struct mote_session *session, const void *context);

/** The argument `index`, "" past the last. */
const char *mote_exec_argument(const struct mote_job *job, unsigned index);

/**
 * Writes as much of a text as fits. `*at` counts what is written over several steps, beginning with
 * `from`, the place of this text in the whole output. True when all of it is out.
 */
bool mote_exec_print(struct mote_stream *stream, uint16_t *at, uint16_t *from, const char *text);

#endif
