#ifndef POSIX_TCP_H
#define POSIX_TCP_H

#include <poll.h>

#include "mote/commands/dial.h"
#include "mote/commands/job.h"

#ifdef __cplusplus
extern "C" {
#endif

/** An address that a service connects to; context of its row. */
struct tcp_address {
    char host[46];
    uint16_t port;
};

/** TCP as a service; context is a struct tcp_address of a numeric IPv4 address. */
extern const struct mote_service_driver tcp_driver;

/** Fills in what to wait for, at most MOTE_JOBS; returns how many. */
unsigned tcp_waits(struct pollfd *fds);

/** Processes the results of the wait. */
void tcp_waited(const struct pollfd *fds, unsigned count);

#ifdef __cplusplus
}
#endif

#endif
