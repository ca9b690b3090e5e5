#define _DEFAULT_SOURCE

#include "posix_boot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static const char environment[] = "MOTE_POSIX_RESET_CAUSE";

static void fail(const char *what, const char *path) {
    fprintf(stderr, "mote-posix: cannot %s %s: %s\n", what, path, strerror(errno));
    exit(1);
}

/* Raised and on the disk before it is used, so that no boot ever has the number of an earlier one.
 */
static uint32_t count_boot(const char *folder) {
    char path[4096], next[4096];
    unsigned long count = 0;
    if ((size_t)snprintf(path, sizeof path, "%s/boot", folder) >= sizeof path - 5) {
        errno = ENAMETOOLONG;
        fail("count boots in", folder);
    }
    (void)snprintf(next, sizeof next, "%.4090s.next", path);
    (void)mkdir(folder, 0777);
    FILE *file = fopen(path, "r");
    if (file) {
        if (fscanf(file, "%lu", &count) != 1) {
            errno = EINVAL;
            fail("read", path);
        }
        (void)fclose(file);
    }
    file = fopen(next, "w");
    if (!file || fprintf(file, "%lu\n", ++count) < 0 || fflush(file) != 0 ||
        fsync(fileno(file)) != 0 || fclose(file) != 0 || rename(next, path) != 0) {
        fail("write", path);
    }
    return (uint32_t)count;
}

struct mote_boot boot_begin(const char *folder) {
    struct mote_boot boot = {0, 0, RESET_POWER_ON};
    const char *cause = getenv(environment);
    if (folder) {
        boot.number = count_boot(folder);
    } else if (getrandom(&boot.number, sizeof boot.number, 0) != sizeof boot.number) {
        fail("get", "entropy");
    }
    boot.ring_epoch = boot.number ? boot.number : 1;
    if (cause) {
        boot.reset_cause = (uint8_t)atoi(cause);
    }
    return boot;
}

void boot_again(char *const *arguments, enum reset_cause cause) {
    char text[4];
    (void)snprintf(text, sizeof text, "%u", (unsigned)cause);
    (void)setenv(environment, text, 1);
    (void)execv("/proc/self/exe", arguments);
    fail("start", arguments[0]);
}
