#ifndef MOTE_PRINT_H
#define MOTE_PRINT_H

#include "mote/commands/job.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Free bytes that a stream needs before a line is begun, so that a short line is sent in one
 * piece.
 */
#define MOTE_PRINT_ROOM_BYTES                                                                      \
    (MOTE_STREAM_BUFFER_BYTES < 2 * 80 ? MOTE_STREAM_BUFFER_BYTES / 2 : 80)

/**
 * Begins or continues a piece of output. The rest that does not fit now is printed by the next
 * step, which must print the same piece again. False: nothing fits now, wait.
 *
 *   if (!mote_print_begin(job, job->out)) return MOTE_STEP_WAIT;
 *   mote_print(job, "up "); mote_print_number(job, seconds); mote_print(job, " s\n");
 *   return mote_print_end(job) ? MOTE_STEP_DONE : MOTE_STEP_WAIT;
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different jobs, as all functions here.
 */
MOTE_MUST_USE bool mote_print_begin(struct mote_job *job, struct mote_stream *stream);

/** Prints a text. */
void mote_print(struct mote_job *job, const char *text);

/** Prints a decimal number, with leading zeros if it has fewer than `digits`. */
void mote_print_digits(struct mote_job *job, uint32_t number, unsigned digits);

void mote_print_number(struct mote_job *job, uint32_t number);

/** Ends the piece. True: all of it is out. */
MOTE_MUST_USE bool mote_print_end(struct mote_job *job);

/** Parses a decimal number of at most `max`; false if the text is anything else. */
MOTE_MUST_USE bool mote_parse_number(const char *text, uint32_t max, uint32_t *number);

#ifdef __cplusplus
}
#endif

#endif
