#ifndef POSIX_MAPPING_H
#define POSIX_MAPPING_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Memory of `bytes` bytes that is the file `name` of `folder`, or with `folder` NULL just memory;
 * zero if nothing was written. What is in the file outlives the process, not the machine. Exits
 * with a message if it cannot.
 */
void *map_file(const char *folder, const char *name, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
