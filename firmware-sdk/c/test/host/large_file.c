#include "large_file.h"

#include <string.h>

enum { LARGE_PRIME = 251 };
static const char large_path[] = "/large";
uint32_t large_file_bytes;

static enum mote_status stat_file(void *context, const char *path, struct mote_file_info *info) {
    if (large_file_bytes == 0 || strcmp(path, large_path) != 0) {
        return mote_flash_store.stat(context, path, info);
    }
    memset(info, 0, sizeof *info);
    info->size = large_file_bytes;
    info->type = MOTE_FILE_TYPE_FILE;
    return MOTE_STATUS_OK;
}

static enum mote_status open_file(void *context, const char *path, struct mote_file *file) {
    if (large_file_bytes == 0 || strcmp(path, large_path) != 0) {
        return mote_flash_store.open(context, path, file);
    }
    memset(file, 0, sizeof *file);
    file->size = large_file_bytes;
    return MOTE_STATUS_OK;
}

static enum mote_status read_file(void *context, struct mote_file *file, void *bytes,
                                  size_t length) {
    if (file->id != 0 || large_file_bytes == 0) {
        return mote_flash_store.read(context, file, bytes, length);
    }
    for (uint8_t *to = bytes; length > 0; length--) {
        *to++ = (uint8_t)(file->at++ % LARGE_PRIME);
    }
    return MOTE_STATUS_OK;
}

void large_file_add(struct mote_file_store *files) {
    files->stat = stat_file;
    files->open = open_file;
    files->read = read_file;
}
