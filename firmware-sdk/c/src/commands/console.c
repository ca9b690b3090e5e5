#include "mote/commands/console.h"

#include <string.h>

#include "mote/commands/arguments.h"
#include "mote/commands/commands.h"
#include "mote/commands/exec.h"
#include "mote/commands/print.h"
#include "mote/session.h"
#include "mote/shell/shell.h"

/*
 * A console is a job on which other programs run: its argv is their argv, and before that the line
 * that is being typed. What is typed while a command runs, or is its stdin, waits behind it.
 *
 *   argv: │ line: texts of the command │ typed, raw │
 */
enum {
    TYPED_BYTES = MOTE_ARGV_BYTES / 3 < 240 ? MOTE_ARGV_BYTES / 3 : 240,
    LINE_BYTES = MOTE_ARGV_BYTES - TYPED_BYTES < 129 ? MOTE_ARGV_BYTES - TYPED_BYTES : 129,
    ECHO_BYTES = 4, /* the longest echo of one key */
    SIGNAL_INTERRUPT = 2
};

enum { INTERRUPT = 0x03, END_OF_INPUT = 0x04, BACKSPACE = 0x08, KILL_LINE = 0x15, DELETE = 0x7f };

/* Of a console without a command: `state`. */
enum { PROMPT, TYPING };

static bool is_terminal(const struct mote_job *job) {
    return (job->flags & MOTE_JOB_TTY) != 0;
}

static void echo(struct mote_job *job, const char *text) {
    if (is_terminal(job)) {
        (void)mote_job_write(job, job->out, text, strlen(text));
    }
}

static char *typed_at(struct mote_job *job) {
    return job->argv + LINE_BYTES;
}

static void drop_typed(struct mote_job *job, size_t count) {
    job->typed = (uint8_t)(job->typed - count);
    memmove(typed_at(job), typed_at(job) + count, job->typed);
}

static size_t take(struct mote_job *job, const uint8_t *bytes, size_t length) {
    size_t i = 0;
    if (!bytes) {
        return TYPED_BYTES - (size_t)job->typed;
    }
    for (; i < length; i++) {
        if (bytes[i] == INTERRUPT && is_terminal(job)) {
            job->typed = 0;
            if (job->child) {
                mote_job_signal(job, SIGNAL_INTERRUPT);
            } else {
                echo(job, "^C\n");
                job->line_length = 0;
                job->state = PROMPT;
            }
        } else if (job->typed == TYPED_BYTES) {
            break;
        } else {
            typed_at(job)[job->typed++] = (char)bytes[i];
        }
    }
    return i;
}

/* Splits the line into argv, in its place, and starts what it says. */
static void start_line(struct mote_job *job) {
    char *to = job->argv;
    bool in_word = false;
    job->argc = 0;
    for (unsigned i = 0; i < job->line_length; i++) {
        char byte = job->argv[i];
        if (byte != ' ') {
            job->argc = (uint8_t)(job->argc + !in_word);
            *to++ = byte;
        } else if (in_word) {
            *to++ = '\0';
        }
        in_word = byte != ' ';
    }
    *to = '\0';
    job->line_length = 0;
    job->state = 0; /* of the child, or a prompt */
    job->printed = 0;
    memset(&job->memory, 0, sizeof job->memory);
    /* Only who types into a terminal types a command's input too. */
    job->flags = (uint8_t)((job->flags & ~MOTE_JOB_STDIN) | (is_terminal(job) ? MOTE_JOB_STDIN : 0));
    if (job->argc > 0) {
        job->child = mote_exec_find(job->device, job->argv);
    }
}

/* Takes one key. True: it ended the line. */
static bool take_key(struct mote_job *job, char key) {
    bool edits = is_terminal(job);
    if (key == '\n' || key == '\r') {
        echo(job, "\n");
        return true;
    }
    if (edits && (key == BACKSPACE || key == DELETE)) {
        if (job->line_length > 0) {
            /* The whole character (UTF-8). */
            while (--job->line_length > 0 && (job->argv[job->line_length] & 0xc0) == 0x80) {
            }
            echo(job, "\b \b");
        }
    } else if (edits && key == KILL_LINE) {
        job->line_length = 0;
        echo(job, "\n");
        job->state = PROMPT;
    } else if (edits && key == END_OF_INPUT) {
        if (job->line_length == 0) {
            job->flags |= MOTE_JOB_CLOSING;
        }
    } else if (((unsigned char)key >= ' ' && key != DELETE) &&
               job->line_length < LINE_BYTES - 1) {
        const char text[] = {key, '\0'};
        job->argv[job->line_length++] = key;
        echo(job, text);
    }
    return false;
}

static bool print_prompt(struct mote_job *job) {
    const struct mote_setting *setting = job->device->settings;
    const char *prompt = ">";
    if (!mote_print_begin(job, job->out)) {
        return false;
    }
    for (; setting && setting->name; setting++) {
        if (strcmp(setting->name, "prompt") == 0) {
            prompt = setting->value;
        }
    }
    mote_print(job, prompt);
    mote_print(job, " ");
    return mote_print_end(job);
}

static enum mote_step step_line(struct mote_job *job) {
    if (job->state == PROMPT && is_terminal(job)) {
        if (!print_prompt(job)) {
            return MOTE_STEP_WAIT;
        }
        job->state = TYPING;
    }
    uint16_t state = job->state;
    while (job->typed > 0 && !(job->flags & MOTE_JOB_CLOSING) && job->state == state) {
        if (mote_stream_room(job->out) < ECHO_BYTES) {
            return MOTE_STEP_WAIT;
        }
        char key = *typed_at(job);
        drop_typed(job, 1);
        if (take_key(job, key)) {
            start_line(job);
            return MOTE_STEP_MORE;
        }
    }
    if (job->flags & MOTE_JOB_CLOSING) {
        return MOTE_STEP_DONE;
    }
    if (job->state != state) {
        return MOTE_STEP_MORE;
    }
    if (!job->out->finished) {
        return MOTE_STEP_WAIT;
    }
    if (job->line_length == 0) {
        return MOTE_STEP_DONE;
    }
    start_line(job); /* a last line without its end */
    return MOTE_STEP_MORE;
}

static void drop_child(struct mote_job *job) {
    if (job->child && job->child->drop) {
        job->child->drop(job);
    }
}

static void end_child(struct mote_job *job) {
    job->child = NULL;
    job->state = PROMPT;
    job->printed = 0;
    job->flags = (uint8_t)(job->flags & ~(MOTE_JOB_END_OF_INPUT | MOTE_JOB_MID_LINE));
}

/* Gives the command what was typed, as far as it reads. */
static void feed_child(struct mote_job *job) {
    size_t count = 0;
    while (count < job->typed && !(job->flags & MOTE_JOB_END_OF_INPUT)) {
        uint8_t byte = (uint8_t)typed_at(job)[count];
        if (is_terminal(job) && byte == '\r') {
            byte = '\n';
        }
        if (is_terminal(job) && byte == END_OF_INPUT && !(job->flags & MOTE_JOB_MID_LINE)) {
            job->flags |= MOTE_JOB_END_OF_INPUT;
        } else if (job->child->take(job, &byte, 1) == 0) {
            break;
        } else if (byte == '\n') {
            job->flags = (uint8_t)(job->flags & ~MOTE_JOB_MID_LINE);
        } else {
            job->flags |= MOTE_JOB_MID_LINE;
        }
        count++;
    }
    drop_typed(job, count);
}

static enum mote_step step_child(struct mote_session *session, struct mote_job *job) {
    if (job->child->take && job->typed > 0 && (job->flags & MOTE_JOB_STDIN)) {
        feed_child(job);
        if (job->typed > 0 && job->out->finished && !(job->flags & MOTE_JOB_END_OF_INPUT)) {
            return MOTE_STEP_WAIT; /* there is more than the end: room is what it waits for */
        }
    }
    enum mote_step step = job->child->step(session, job);
    if (step != MOTE_STEP_DONE) {
        return step;
    }
    end_child(job);
    return MOTE_STEP_MORE;
}

static void show_lost(struct mote_job *job, uint32_t count, const char *what) {
    const struct mote_stream *out = job->out;
    if (out->length > 0 && out->buffer[out->length - 1] != '\n') {
        mote_print(job, "\n");
    }
    mote_print(job, "[");
    mote_print_number(job, count);
    mote_print(job, what);
    (void)!mote_print_end(job); /* mote_print_begin has seen to it that there is room */
}

/* The lines of the log that came since: from the ring, where they lie anyway. */
static void show_log(struct mote_session *session, struct mote_job *job) {
    struct mote_log_entry entry;
    uint16_t seq = job->log_seq;
    const uint8_t *body = mote_log_ring_find(&session->reports.ring, &seq, &entry);
    if (!body || !mote_print_begin(job, job->out)) {
        return;
    }
    if (seq != job->log_seq) {
        show_lost(job, (uint16_t)(seq - job->log_seq), " lines lost]\n");
        job->log_seq = seq;
        return;
    }
    size_t room = mote_stream_room(job->out);
    if (entry.length + 2u > room && job->out->length > 0) {
        return; /* what is longer than the whole buffer is cut, anything else waits */
    }
    size_t written = mote_job_write(job, job->out, body, entry.length + 2u > room
                                                             ? room - 2
                                                             : entry.length);
    (void)mote_job_write(job, job->out, "\n", 1);
    job->lost = (uint16_t)(job->lost + entry.length - written);
    job->log_seq = (uint16_t)(seq + 1);
}

static enum mote_step step(struct mote_session *session, struct mote_job *job) {
    if (job->printed == 0) { /* not within a line of the command's */
        if (job->lost > 0 && mote_print_begin(job, job->out)) {
            show_lost(job, job->lost, " bytes lost]\n");
            job->lost = 0;
        }
        show_log(session, job);
    }
    if (job->flags & MOTE_JOB_SIGNALLED) {
        job->flags = (uint8_t)(job->flags & ~MOTE_JOB_SIGNALLED);
        if (job->child) {
            echo(job, "^C\n");
            drop_child(job);
            end_child(job);
        }
    }
    return job->child ? step_child(session, job) : step_line(job);
}

static const struct mote_program console_program = {NULL, NULL, NULL, step, take, drop_child};

void mote_console_print(const struct mote_device *device, const char *text) {
    for (unsigned i = 0; i < MOTE_JOBS; i++) {
        struct mote_job *job = &device->jobs[i];
        if (!job->out_id || !(job->flags & MOTE_JOB_CONSOLE) || job->out->owner != job) {
            continue;
        }
        size_t length = strlen(text), written = 0;
        if (job->lost == 0) {
            written = mote_job_write(job, job->out, text, length);
        }
        length += job->lost;
        job->lost = (uint16_t)(length - written < 0xffff ? length - written : 0xffff);
    }
}

enum mote_status mote_command_console(struct mote_session *session, const void *context,
                                      struct mote_message *request) {
    struct mote_arguments arguments = {request, MOTE_STATUS_OK};
    uint8_t stream = mote_arguments_stream(&arguments);
    if (arguments.status != MOTE_STATUS_OK) {
        return arguments.status;
    }
    struct mote_job *job = mote_job_reserve(context);
    if (job) {
        job->flags = MOTE_JOB_STDIN | MOTE_JOB_COMMAND | MOTE_JOB_CONSOLE;
        job->log_seq = session->reports.ring.next_seq;
    }
    return mote_job_start(session, job, &console_program, stream, 0);
}
