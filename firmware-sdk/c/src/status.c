#include "mote/status.h"

#include <stddef.h>

const char *mote_status_name(enum mote_status status) {
    static const char *const names[] = {
#define MOTE_STATUS_NAME(name, code) [code] = #name,
        MOTE_STATUS_TABLE(MOTE_STATUS_NAME)
#undef MOTE_STATUS_NAME
    };
    return (size_t)status < sizeof names / sizeof names[0] ? names[status] : "?";
}
