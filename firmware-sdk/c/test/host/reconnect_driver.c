/*
 * Reads what happens to a device's connections, a line each (opened, cut, refused or failed, and the
 * millisecond), and answers each that ended with the wait before the next one. "boot" starts again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mote/carrier/reconnect.h"

int main(void) {
    static const char *const ends[] = {[MOTE_CONNECTION_CUT] = "cut",
                                       [MOTE_CONNECTION_REFUSED] = "refused",
                                       [MOTE_CONNECTION_FAILED] = "failed"};
    struct mote_reconnect reconnect;
    char what[16];
    uint32_t at_ms;
    memset(&reconnect, 0, sizeof reconnect);
    while (scanf("%15s %" SCNu32, what, &at_ms) == 2) {
        if (strcmp(what, "boot") == 0) {
            memset(&reconnect, 0, sizeof reconnect);
        } else if (strcmp(what, "opened") == 0) {
            mote_reconnect_opened(&reconnect, at_ms);
        }
        for (unsigned end = 0; end < sizeof ends / sizeof *ends; end++) {
            if (strcmp(what, ends[end]) == 0) {
                uint32_t wait_ms =
                    mote_reconnect_ended(&reconnect, (enum mote_connection_end)end, at_ms);
                printf("%" PRIu32 "\n", wait_ms);
            }
        }
    }
    return 0;
}
