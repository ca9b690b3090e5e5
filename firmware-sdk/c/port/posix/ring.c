#include "ring.h"

#include "mapping.h"

/* The file: the ring, and what tells whether it is whole. */
struct file {
    struct mote_kept_ring kept;
    struct mote_log_ring ring;
};

static struct file *file;

void ring_begin(const char *folder, struct mote_session *session, struct mote_boot *boot) {
    file = map_file(folder, "ring", sizeof *file);
    session->reports.ring = file->ring;
    mote_kept_ring_begin(&file->kept, session, boot);
    file->ring = session->reports.ring;
}

void ring_save(struct mote_session *session) {
    struct mote_kept_ring kept = file->kept;
    if (mote_kept_ring_seal(&kept, session)) {
        file->ring = session->reports.ring;
        file->kept = kept;
    }
}
