#include <string.h>

#include "mote/commands/arguments.h"
#include "mote/commands/print.h"
#include "mote/session.h"
#include "mote/shell/shell.h"

/* What is behind an argument, whose path is put together: there is no working directory, so it begins
 * at the root; a slash at its end means nothing. What is no path is not found. */
static enum mote_status find(const struct mote_job *job, const char *argument,
                             char path[MOTE_FILE_NAME_BYTES + 1], struct mote_file_info *info) {
    size_t length = strlen(argument), skip = argument[0] == '/' ? 0 : 1;
    if (length > 1 && argument[length - 1] == '/') {
        length--;
    }
    if (skip + length > MOTE_FILE_NAME_BYTES) {
        return MOTE_STATUS_NOT_FOUND;
    }
    path[0] = '/';
    memcpy(path + skip, argument, length);
    path[skip + length] = '\0';
    if (!mote_is_path(path, skip + length)) {
        return MOTE_STATUS_NOT_FOUND;
    }
    return job->device->files->stat(job->device->files_context, path, info);
}

static enum mote_step fail(struct mote_job *job, const char *path, enum mote_status status) {
    return mote_shell_fail(job, 1, path,
                           status == MOTE_STATUS_NOT_FOUND             ? "not found"
                           : status == MOTE_STATUS_FAILED_PRECONDITION ? "is a directory"
                                                                       : "is lost");
}

static void print_entry(struct mote_job *job, const char *name, const struct mote_file_info *info,
                        bool is_long) {
    static const char letters[] = "rwxrwxrwx";
    bool is_directory = info->type == MOTE_FILE_TYPE_DIRECTORY;
    if (is_long) {
        char mode[sizeof letters];
        for (unsigned i = 0; i < sizeof letters - 1; i++) {
            mode[i] = info->mode >> (8 - i) & 1 ? letters[i] : '-';
        }
        mode[sizeof letters - 1] = '\0';
        mote_print(job, mode);
        mote_print(job, "\t");
        mote_print_number(job, info->size);
        mote_print(job, "\t");
    }
    mote_print(job, name);
    mote_print(job, is_directory ? "/\n" : "\n");
}

/* The entry `state` of the directory: found again for each line, so that nothing is kept. */
enum mote_step mote_shell_ls(struct mote_session *session, struct mote_job *job) {
    (void)session;
    enum { LONG = 1 }; /* the others change nothing: one name a line, and none is hidden */
    struct mote_shell_call call;
    if (!mote_shell_called(job, "l1Aa", 0, 1, &call)) {
        return mote_shell_refuse(job, &call);
    }
    const char *argument =
        call.operand < job->argc ? mote_job_argument(job, call.operand) : "/";
    struct mote_file_info info;
    char path[MOTE_FILE_NAME_BYTES + 1], name[MOTE_FILE_NAME_BYTES + 1] = "";
    enum mote_status status = find(job, argument, path, &info);
    if (status != MOTE_STATUS_OK) {
        return fail(job, argument, status);
    }
    const char *shown = name;
    bool is_file = info.type == MOTE_FILE_TYPE_FILE;
    if (is_file) {
        shown = strrchr(path, '/') + 1;
    } else {
        for (unsigned i = 0; i <= job->state; i++) {
            if (!job->device->files->next(job->device->files_context, path, name, &info)) {
                return MOTE_STEP_DONE;
            }
        }
    }
    if (!mote_print_begin(job, job->out)) {
        return MOTE_STEP_WAIT;
    }
    print_entry(job, shown, &info, (call.given & LONG) != 0);
    if (!mote_print_end(job)) {
        return MOTE_STEP_WAIT;
    }
    job->state++;
    return is_file ? MOTE_STEP_DONE : MOTE_STEP_MORE;
}

/* How cat is called. False: wrongly. */
static bool read_cat(const struct mote_job *job, struct mote_shell_call *call) {
    return mote_shell_called(job, "u", 0, MOTE_SHELL_ANY, call);
}

/* Whether cat copies its input: it has no operand, or "-" alone. */
static bool reads_input(const struct mote_job *job, const struct mote_shell_call *call) {
    unsigned operands = (unsigned)(job->argc - call->operand);
    return operands == 0 ||
           (operands == 1 && strcmp(mote_job_argument(job, call->operand), "-") == 0);
}

size_t mote_shell_take(struct mote_job *job, const uint8_t *bytes, size_t length) {
    struct mote_shell_call call;
    if (!read_cat(job, &call) || !reads_input(job, &call)) {
        return bytes ? length : MOTE_RX_WINDOW_BYTES;
    }
    return bytes ? mote_job_write(job, job->out, bytes, length) : mote_stream_room(job->out);
}

/* Opens the next operand; state counts them, and is odd while one is open. */
static enum mote_step open_next(struct mote_job *job, const struct mote_shell_call *call) {
    unsigned index = call->operand + job->state / 2u;
    const char *argument = mote_job_argument(job, index);
    char path[MOTE_FILE_NAME_BYTES + 1];
    struct mote_file_info info;
    if (index >= job->argc) {
        return MOTE_STEP_DONE;
    }
    enum mote_status status = find(job, argument, path, &info);
    if (status == MOTE_STATUS_OK) {
        status = job->device->files->open(job->device->files_context, path, &job->memory.file);
    }
    if (status != MOTE_STATUS_OK) {
        return fail(job, argument, status);
    }
    job->state++;
    return MOTE_STEP_MORE;
}

enum mote_step mote_shell_cat(struct mote_session *session, struct mote_job *job) {
    (void)session;
    struct mote_shell_call call;
    if (!read_cat(job, &call)) {
        return mote_shell_refuse(job, &call);
    }
    if (reads_input(job, &call)) {
        return mote_job_input_ended(job) ? MOTE_STEP_DONE : MOTE_STEP_WAIT;
    }
    if (job->state % 2 == 0) {
        return open_next(job, &call);
    }
    struct mote_file *file = &job->memory.file;
    char bytes[32];
    size_t length = sizeof bytes, room = mote_stream_room(job->out) / 2;
    if (file->at == file->size) {
        job->state++;
        return MOTE_STEP_MORE;
    }
    if (length > file->size - file->at) {
        length = (size_t)(file->size - file->at);
    }
    length = length < room ? length : room; /* half of the room: a terminal may double it */
    if (length == 0) {
        return MOTE_STEP_WAIT;
    }
    enum mote_status status =
        job->device->files->read(job->device->files_context, file, bytes, length);
    if (status != MOTE_STATUS_OK) {
        return fail(job, mote_job_argument(job, call.operand + job->state / 2u), status);
    }
    (void)mote_job_write(job, job->out, bytes, length);
    return MOTE_STEP_MORE;
}

/* The first file below a directory, in the place of the directory's path. */
static void find_first_below(const struct mote_job *job, char path[MOTE_FILE_NAME_BYTES + 1]) {
    const struct mote_device *device = job->device;
    struct mote_file_info info = {0, 0, 0, 0, MOTE_FILE_TYPE_DIRECTORY};
    while (info.type == MOTE_FILE_TYPE_DIRECTORY) {
        char name[MOTE_FILE_NAME_BYTES + 1] = "";
        size_t length = strlen(path), more;
        if (!device->files->next(device->files_context, path, name, &info)) {
            return; /* it went in the meantime */
        }
        more = strlen(name);
        if (length + 1 + more > MOTE_FILE_NAME_BYTES) {
            return;
        }
        path[length] = '/';
        memcpy(path + length + 1, name, more + 1);
    }
}

/* Removes the operand `state`, and of a directory one file each step, until it is gone with the last of
 * them: memory says that it has begun. */
enum mote_step mote_shell_rm(struct mote_session *session, struct mote_job *job) {
    (void)session;
    enum { FORCE = 1 }; /* above: -r and -R */
    struct mote_shell_call call;
    bool called = mote_shell_called(job, "frR", 0, MOTE_SHELL_ANY, &call);
    bool is_forced = (call.given & FORCE) != 0, is_recursive = call.given > FORCE;
    unsigned index = call.operand + job->state;
    uint32_t *has_begun = &job->memory.word[0];
    if (!called || (call.operand == job->argc && !is_forced)) {
        return mote_shell_refuse(job, &call);
    }
    if (index >= job->argc) {
        return MOTE_STEP_DONE;
    }
    struct mote_file_info info;
    const char *argument = mote_job_argument(job, index);
    char path[MOTE_FILE_NAME_BYTES + 1];
    enum mote_status status = find(job, argument, path, &info);
    bool is_tree = status == MOTE_STATUS_OK && is_recursive &&
                   info.type == MOTE_FILE_TYPE_DIRECTORY && path[1] != '\0';
    if (is_tree) {
        find_first_below(job, path);
    }
    if (status == MOTE_STATUS_OK) {
        status = job->device->files->remove(job->device->files_context, path);
    }
    if (status == MOTE_STATUS_NOT_FOUND && (is_forced || *has_begun)) {
        status = MOTE_STATUS_OK;
    }
    if (status != MOTE_STATUS_OK) {
        return fail(job, argument, status);
    }
    *has_begun = is_tree;
    job->state = (uint16_t)(job->state + !is_tree);
    return MOTE_STEP_MORE;
}

enum mote_step mote_shell_df(struct mote_session *session, struct mote_job *job) {
    (void)session;
    static const char *const names[] = {"total ", "used ", "free ", "files "};
    struct mote_shell_call call;
    uint32_t total, left, files;
    if (!mote_shell_called(job, "", 0, 0, &call)) {
        return mote_shell_refuse(job, &call);
    }
    job->device->files->room(job->device->files_context, &total, &left, &files);
    const uint32_t values[] = {total, total - left, left, files};
    if (!mote_print_begin(job, job->out)) {
        return MOTE_STEP_WAIT;
    }
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        mote_print(job, names[i]);
        mote_print_number(job, values[i]);
        mote_print(job, "\n");
    }
    return mote_print_end(job) ? MOTE_STEP_DONE : MOTE_STEP_WAIT;
}
