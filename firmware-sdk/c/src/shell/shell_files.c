#include <string.h>

#include "mote/arguments.h"
#include "mote/print.h"
#include "mote/session.h"
#include "mote/shell.h"

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

/* The entry `state` of the directory: found anew for each line, so that nothing is kept. */
enum mote_step mote_shell_ls(struct mote_session *session, struct mote_job *job) {
    (void)session;
    bool is_long = strcmp(mote_job_argument(job, 1), "-l") == 0;
    unsigned at = 1u + is_long;
    const char *argument = job->argc > at ? mote_job_argument(job, at) : "/";
    if (job->argc > at + 1) {
        return mote_shell_usage(job);
    }
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
    print_entry(job, shown, &info, is_long);
    if (!mote_print_end(job)) {
        return MOTE_STEP_WAIT;
    }
    job->state++;
    return is_file ? MOTE_STEP_DONE : MOTE_STEP_MORE;
}

size_t mote_shell_take(struct mote_job *job, const uint8_t *bytes, size_t length) {
    if (job->argc > 1) {
        return bytes ? length : MOTE_RX_WINDOW_BYTES;
    }
    return bytes ? mote_job_write(job, job->out, bytes, length) : mote_stream_room(job->out);
}

/* Opens the next argument; state counts them, and is odd while one is open. */
static enum mote_step open_next(struct mote_job *job) {
    unsigned index = 1u + job->state / 2;
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
    if (job->argc < 2) {
        return mote_job_input_ended(job) ? MOTE_STEP_DONE : MOTE_STEP_WAIT;
    }
    if (job->state % 2 == 0) {
        return open_next(job);
    }
    struct mote_file *file = &job->memory.file;
    char bytes[32];
    size_t length = file->size - file->at, room = mote_stream_room(job->out) / 2;
    if (length == 0) {
        job->state++;
        return MOTE_STEP_MORE;
    }
    length = length < sizeof bytes ? length : sizeof bytes;
    length = length < room ? length : room; /* half of the room: a terminal may double it */
    if (length == 0) {
        return MOTE_STEP_WAIT;
    }
    enum mote_status status =
        job->device->files->read(job->device->files_context, file, bytes, length);
    if (status != MOTE_STATUS_OK) {
        return fail(job, mote_job_argument(job, 1u + job->state / 2), status);
    }
    (void)mote_job_write(job, job->out, bytes, length);
    return MOTE_STEP_MORE;
}

enum mote_step mote_shell_rm(struct mote_session *session, struct mote_job *job) {
    (void)session;
    struct mote_file_info info;
    unsigned index = 1u + job->state;
    const char *argument = mote_job_argument(job, index);
    char path[MOTE_FILE_NAME_BYTES + 1];
    if (job->argc < 2) {
        return mote_shell_usage(job);
    }
    if (index >= job->argc) {
        return MOTE_STEP_DONE;
    }
    enum mote_status status = find(job, argument, path, &info);
    if (status == MOTE_STATUS_OK) {
        status = job->device->files->remove(job->device->files_context, path);
    }
    if (status != MOTE_STATUS_OK) {
        return fail(job, argument, status);
    }
    job->state++;
    return MOTE_STEP_MORE;
}

enum mote_step mote_shell_df(struct mote_session *session, struct mote_job *job) {
    (void)session;
    static const char *const names[] = {"total ", "used ", "free ", "files "};
    uint32_t total, left, files;
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
