#include <string.h>

#include "mote/commands/print.h"
#include "mote/session.h"
#include "mote/shell/shell.h"


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
    size_t left = (size_t)(entry.length - memory[1]);
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
    struct mote_shell_call call;
    bool called = mote_shell_called(job, "p", 0, MOTE_SHELL_ANY, &call);
    bool has_text = call.operand < job->argc;
    if (!called || (call.given && has_text)) {
        return mote_shell_refuse(job, &call);
    }
    if (!has_text) {
        return show(session, job, call.given != 0);
    }
    /* The arguments lie behind one another: a blank for each NUL between them makes one text. */
    unsigned second = call.operand + 1u;
    for (unsigned i = second; i < job->argc; i++) {
        job->argv[mote_job_argument(job, second) - job->argv - 1] = ' ';
    }
    mote_log(session, MOTE_INFO, mote_job_argument(job, call.operand));
    return MOTE_STEP_DONE;
}
