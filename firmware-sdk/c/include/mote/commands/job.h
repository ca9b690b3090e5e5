#ifndef MOTE_JOB_H
#define MOTE_JOB_H

#include "mote/commands/files.h"
#include "mote/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Longest argv, bytes with the heads of its texts (SPEC §6.3). */
#define MOTE_ARGV_BYTES (MOTE_MESSAGE_BYTES - MOTE_LIMIT_ARGV_RESERVE_BYTES)

struct mote_device;
struct mote_job;
struct mote_service;
struct mote_peripheral;

/** The result of a step of a program. */
enum mote_step {
    MOTE_STEP_WAIT, /* until its input, its output's room or the time changes */
    MOTE_STEP_MORE, /* got further: step again */
    MOTE_STEP_DONE  /* ended, with job->exit_code: 0 to 255; other numbers are sent as 255 */
};

/**
 * A program that runs on a stream. It is called from poll again and again until it is done, and it
 * must not block. It keeps what it needs between steps in `state` (0 at first) and `memory`.
 */
struct mote_program {
    const char *name;
    const char *usage; /* its arguments, e.g. "[PATH…]"; "": none */
    const char *about; /* what it does */
    enum mote_step (*step)(struct mote_session *session, struct mote_job *job);

    /**
     * Its stdin: accepts as many bytes as it can, and returns how many. With `bytes` NULL it
     * accepts none, and returns how many it could accept. NULL: the program does not read stdin.
     */
    size_t (*take)(struct mote_job *job, const uint8_t *bytes, size_t length);

    /** Releases its resources if it is ended from outside. NULL: it has none. */
    void (*drop)(struct mote_job *job);
};

enum {
    MOTE_JOB_STDIN = MOTE_EXEC_FLAG_STDIN,
    MOTE_JOB_TTY = MOTE_EXEC_FLAG_TTY,
    MOTE_JOB_CONSOLE = 4,     /* a console, whatever runs on it */
    MOTE_JOB_COMMAND = 8,     /* takes signals and sizes: no transfer, no connection */
    MOTE_JOB_END_OF_INPUT = 16, /* by 04 on a terminal */
    MOTE_JOB_MID_LINE = 32,     /* of the input of a terminal */
    MOTE_JOB_SIGNALLED = 64,    /* is to end */
    MOTE_JOB_CLOSING = 128      /* of a console: ends with what runs on it */
};

/** A running program. */
struct mote_job {
    const struct mote_device *device;
    const struct mote_program *program;
    const struct mote_program *child; /* of a console: what runs on it, or NULL */
    struct mote_stream *out; /* stdin and stdout */
    struct mote_stream *err; /* stderr; the same as `out` if there is no second stream */
    struct mote_stream *printing; /* see mote_print_begin */
    uint16_t printed;
    uint16_t print_at;
    uint16_t state;
    uint16_t columns, rows; /* of its terminal */
    uint8_t out_id;         /* 0: this slot is free */
    uint8_t err_id;         /* 0: no second stream */
    int32_t exit_code;
    uint8_t argc;
    uint8_t flags;
    uint8_t end_status; /* of the stream; OK at first */
    uint8_t line_length, typed; /* of a console: bytes in argv and behind it */
    uint16_t log_seq;           /* of a console: the next line of the log to show */
    uint16_t lost;              /* of a console: bytes that had no room */
    union {
        struct mote_file file;
        uint32_t word[4];
        struct {
            const struct mote_service *service;
            uint32_t handle;
            uint32_t quiet_at_ms; /* the last byte came */
        } connection;
        const struct mote_peripheral *peripheral;
    } memory;
    char argv[MOTE_ARGV_BYTES]; /* texts, each with a NUL */
};

/**
 * Steps the jobs; the session's `run`. `context` is a struct mote_device.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different devices, as all functions here: they are for
 * programs and commands, which run in poll.
 */
bool mote_jobs_run(struct mote_session *session, const void *context);

/** A slot for a job, zeroed; NULL: none is free. It stays free until mote_job_start. */
struct mote_job *mote_job_reserve(const struct mote_device *device);

/**
 * Starts a program on streams with these ids; `err` 0: no second one. RESOURCE_EXHAUSTED if no
 * job or no stream is free.
 */
MOTE_MUST_USE enum mote_status mote_job_start(struct mote_session *session, struct mote_job *job,
                                              const struct mote_program *program, uint8_t out,
                                              uint8_t err);

/** The command or console on a stream, or NULL. */
struct mote_job *mote_job_find(const struct mote_device *device, uint32_t out);

/** Ends the program at its next step, with exit code 128 + the signal's number, like a shell. */
void mote_job_signal(struct mote_job *job, uint32_t number);

/** Whether stdin has ended. */
bool mote_job_input_ended(const struct mote_job *job);

/** The argument `index`, "" past the last. */
const char *mote_job_argument(const struct mote_job *job, unsigned index);

/**
 * Writes output, as much as fits, and returns how much that was. On a terminal a line feed
 * becomes two bytes.
 */
size_t mote_job_write(struct mote_job *job, struct mote_stream *stream, const void *bytes,
                      size_t length);

#ifdef __cplusplus
}
#endif

#endif
