#include <string.h>

#include "mote/print.h"
#include "mote/session.h"
#include "mote/shell.h"


/* Prints the lines of one boot, or of those before it. memory: the number of the line that is being
 * printed, the bytes of it that are out. state 1: these are set. */
static enum mote_step show(struct mote_session *session, struct mote_job *job, bool earlier) {
    struct mote_log_ring *ring = &session->reports.ring;
    struct mote_log_entry entry;
    uint32_t *memory = job->memory.word;
    if (job->state == 0) {
        job->state = 1;
        memory[0] = ring->oldest_seq;
    }
    uint16_t seq = (uint16_t)memory[0];
    const uint8_t *body = mote_log_ring_find(ring, &seq, &entry);
    if (!body) {
        return MOTE_STEP_DONE;
    }
    if (seq != memory[0] || entry.is_earlier != earlier) {
        memory[0] = (uint16_t)(seq + (seq == memory[0])); /* it was overwritten, or is not for us */
        memory[1] = 0;
        return MOTE_STEP_MORE;
    }
    size_t left = entry.length - memory[1];
    size_t written = mote_job_write(job, job->out, body + memory[1], left);
    memory[1] += (uint32_t)written;
    if (written == left && mote_job_write(job, job->out, "\n", 1) == 1) {
        memory[0] = (uint16_t)(seq + 1);
        memory[1] = 0;
        return MOTE_STEP_MORE;
    }
    return MOTE_STEP_WAIT;
}

enum mote_step mote_shell_log(struct mote_session *session, struct mote_job *job) {
    bool earlier = job->argc == 2 && strcmp(mote_job_argument(job, 1), "-p") == 0;
    if (job->argc == 1 || earlier) {
        return show(session, job, earlier);
    }
    /* The arguments lie behind one another: a blank for each NUL between them makes one text. */
    for (unsigned i = 2; i < job->argc; i++) {
        job->argv[mote_job_argument(job, 2) - job->argv - 1] = ' ';
    }
    mote_log(session, MOTE_INFO, mote_job_argument(job, 1));
    return MOTE_STEP_DONE;
}
