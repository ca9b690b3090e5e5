#define _DEFAULT_SOURCE

#include "mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *map_file(const char *folder, const char *name, size_t bytes) {
    char path[4096] = "";
    int fd = -1, flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    if (folder) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, name);
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        flags = MAP_SHARED;
    }
    void *memory = MAP_FAILED;
    if (!folder || (fd >= 0 && ftruncate(fd, (off_t)bytes) == 0)) {
        memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
    }
    if (memory == MAP_FAILED) {
        fprintf(stderr, "mote-posix: cannot map %s: %s\n", path, strerror(errno));
        exit(1);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return memory;
}
