#ifndef MOTE_FILES_H
#define MOTE_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "mote/config.h"
#include "mote/span.h"
#include "mote/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The file or directory at a path (SPEC §6.11). */
struct mote_file_info {
    uint32_t size;
    uint32_t modified_s; /* MOTE_FILE_UNKNOWN: not known */
    uint16_t modified_ms;
    uint16_t mode;
    uint8_t type; /* MOTE_FILE_TYPE_… */
};

#define MOTE_FILE_UNKNOWN 0xffffffffu

/** The mode of directories, which exist only as prefixes of the paths of files. */
#define MOTE_FILE_DIRECTORY_MODE 0755u

/** A file that is being read or written. Only the store uses it, except `at` and `size`. */
struct mote_file {
    uint32_t id;
    uint32_t at;   /* the next byte */
    uint32_t size; /* of one that is written: as announced, or UNKNOWN */
    uint16_t place;
};

/**
 * Stores files. A port selects one: `mote_flash_store`, or its own. Paths are checked (SPEC
 * §6.11), end with a NUL and have at most MOTE_FILE_NAME_BYTES. No function blocks for long; all
 * are called from poll only.
 */
struct mote_file_store {
    /** OK, NOT_FOUND. */
    enum mote_status (*stat)(void *context, const char *path, struct mote_file_info *info);

    /**
     * Finds the entry of a directory that follows `name` in bytewise order ("" for the first),
     * and overwrites `name` with its name. False: there is none.
     */
    bool (*next)(void *context, const char *directory, char name[MOTE_FILE_NAME_BYTES + 1],
                 struct mote_file_info *info);

    /** OK, NOT_FOUND, FAILED_PRECONDITION for a directory. A reader need not be closed. */
    enum mote_status (*open)(void *context, const char *path, struct mote_file *file);

    /** Reads `length` bytes, not past the end. DATA_LOSS: the file no longer exists. */
    enum mote_status (*read)(void *context, struct mote_file *file, void *bytes, size_t length);

    /** Whether a file can be put there: OK, FAILED_PRECONDITION. */
    enum mote_status (*check)(void *context, const char *path);

    /** Begins a file without a name; holds nothing yet. RESOURCE_EXHAUSTED if `size` (or UNKNOWN)
     * does not fit. */
    enum mote_status (*create)(void *context, uint32_t size, struct mote_file *file);

    /** Appends to the file. RESOURCE_EXHAUSTED: it must be abandoned. */
    enum mote_status (*append)(void *context, struct mote_file *file, const void *bytes,
                               size_t length);

    /**
     * Makes the file visible at its path, completely: whenever the device resets, the path has
     * the old file or this one. Uses mode and modification time of `info`.
     */
    enum mote_status (*commit)(void *context, struct mote_file *file, const char *path,
                               const struct mote_file_info *info);

    /** Discards a file that is not committed. */
    void (*abandon)(void *context, struct mote_file *file);

    /** OK, NOT_FOUND, FAILED_PRECONDITION for a directory. */
    enum mote_status (*remove)(void *context, const char *path);

    /** Like remove for the first path, and like commit for the second. */
    enum mote_status (*rename)(void *context, const char *from, const char *to);

    /**
     * How many bytes all files together can have, how many are free, and how many files there
     * are.
     */
    void (*room)(void *context, uint32_t *total, uint32_t *left, uint32_t *files);
};

#ifdef __cplusplus
}
#endif

#endif
