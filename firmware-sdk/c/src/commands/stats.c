#include "mote/commands/stats.h"

#include <string.h>

#include "mote/commands/arguments.h"
#include "mote/commands/commands.h"
#include "mote/session.h"

static void write_time(struct mote_cbor_writer *writer, const uint32_t time[2]) {
    mote_cbor_write_head(writer, MOTE_CBOR_ARRAY, 2);
    mote_cbor_write_uints(writer, time, 2);
}

static void write_or_null(struct mote_cbor_writer *writer, uint32_t value) {
    if (value == MOTE_STATS_UNKNOWN) {
        mote_cbor_write_head(writer, MOTE_CBOR_OTHER, MOTE_CBOR_NULL);
    } else {
        mote_cbor_write_uints(writer, &value, 1);
    }
}

static void write_map(const struct mote_device *device, struct mote_cbor_writer *writer) {
    const struct mote_stats_source *stats = device->stats;
    uint8_t *map = writer->at;
    uint32_t cpu[2], files, heap[3], key = MOTE_STATS_CPU;
    mote_cbor_write_head(writer, MOTE_CBOR_MAP, 1);
    mote_cbor_write_uints(writer, &key, 1);
    stats->busy(stats->context, cpu);
    write_time(writer, cpu);
    if (stats->heap) {
        stats->heap(stats->context, heap);
        const uint32_t entries[] = {MOTE_STATS_HEAP_TOTAL, heap[0], MOTE_STATS_HEAP_FREE,
                                    heap[1],               MOTE_STATS_HEAP_LEAST, heap[2]};
        mote_cbor_write_uints(writer, entries, 6);
        *map = (uint8_t)(*map + 3);
    }
    if (device->files) {
        uint32_t entries[] = {MOTE_STATS_FILES_TOTAL, 0, MOTE_STATS_FILES_FREE, 0};
        device->files->room(device->files_context, &entries[1], &entries[3], &files);
        mote_cbor_write_uints(writer, entries, 4);
        *map = (uint8_t)(*map + 2);
    }
}

static void write_task(struct mote_cbor_writer *writer, const struct mote_task *task) {
    const uint32_t state = task->state;
    mote_cbor_write_head(writer, MOTE_CBOR_ARRAY, 4);
    mote_cbor_write_string(writer, MOTE_CBOR_TEXT, task->name, strlen(task->name));
    mote_cbor_write_uints(writer, &state, 1);
    if (task->has_cpu) {
        write_time(writer, task->cpu);
    } else {
        write_or_null(writer, MOTE_STATS_UNKNOWN);
    }
    write_or_null(writer, task->stack_free);
}

enum mote_status mote_command_stats(struct mote_session *session, const void *context,
                                    struct mote_message *request) {
    const struct mote_device *device = context;
    struct mote_arguments arguments = {request, MOTE_STATUS_OK};
    struct mote_cbor_writer *writer = &session->writer;
    struct mote_task task;
    unsigned from = (unsigned)mote_arguments_uint(&arguments, 0xff);
    uint32_t total = 0;
    if (arguments.status != MOTE_STATUS_OK) {
        return arguments.status;
    }
    while (total < 0xff && device->stats->task(device->stats->context, (unsigned)total, &task)) {
        total++;
    }
    mote_cbor_write_uints(writer, &total, 1);
    write_map(device, writer);
    uint8_t *array = writer->at;
    mote_cbor_write_head(writer, MOTE_CBOR_ARRAY, 0);
    /* One that would fill the writer to its end may have been cut: it is for the next page. */
    for (; from < total && writer->at < writer->end; from++) {
        uint8_t *entry = writer->at;
        (void)device->stats->task(device->stats->context, from, &task);
        write_task(writer, &task);
        if (writer->at == writer->end) {
            writer->at = entry;
            break;
        }
        ++*array;
    }
    request->results = 3;
    return MOTE_STATUS_OK;
}
