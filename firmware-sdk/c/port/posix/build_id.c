#define _GNU_SOURCE

#include "build_id.h"

#include <link.h>
#include <string.h>

enum { ID_BYTES = 8 };

static size_t padded(size_t length) {
    return (length + 3) & ~(size_t)3;
}

/* The program itself is the first of what is loaded: one call is enough. */
static int find(struct dl_phdr_info *program, size_t size, void *context) {
    struct mote_span *id = context;
    (void)size;
    for (unsigned i = 0; i < program->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &program->dlpi_phdr[i];
        /* The loader tells where the segment is as a number. */
        const uint8_t *at = (const uint8_t *)(program->dlpi_addr + header->p_vaddr);
        const uint8_t *end = at + header->p_memsz;
        while (header->p_type == PT_NOTE && at + sizeof(ElfW(Nhdr)) <= end) {
            ElfW(Nhdr) note;
            memcpy(&note, at, sizeof note);
            const uint8_t *name = at + sizeof note, *bytes = name + padded(note.n_namesz);
            if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && note.n_descsz >= ID_BYTES &&
                memcmp(name, "GNU", 4) == 0) {
                id->bytes = bytes;
                id->length = ID_BYTES;
                return 1;
            }
            at = bytes + padded(note.n_descsz);
        }
    }
    return 1;
}

struct mote_span posix_build_id(void) {
    struct mote_span id = {NULL, 0};
    (void)dl_iterate_phdr(find, &id);
    return id;
}
