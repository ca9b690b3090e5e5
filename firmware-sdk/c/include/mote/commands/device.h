#ifndef MOTE_DEVICE_H
#define MOTE_DEVICE_H

#include "mote/commands/job.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mote_stats_source;
struct mote_setting;

/**
 * The parts of a device that commands use; `context` of most of them. The caller keeps it; it may
 * be in flash. The device does not have parts that are NULL or 0.
 */
struct mote_device {
    struct mote_job *jobs; /* MOTE_JOBS, zeroed at first */

    /** The programs of the shell; the last row has no name and handles unknown names. */
    const struct mote_program *programs;
    const struct mote_setting *settings; /* ends with a row without a name */

    const struct mote_file_store *files;
    void *files_context;
    const struct mote_stats_source *stats;
    const struct mote_service *services;       /* ends with port 0 */
    const struct mote_peripheral *peripherals; /* ends with a row without a name */
};

#ifdef __cplusplus
}
#endif

#endif
