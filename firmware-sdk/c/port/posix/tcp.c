#define _DEFAULT_SOURCE

#include "tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

/* A connection, and what it waits for: without that a reader that is behind would make poll(2)
 * return at once, again and again. */
static struct connection {
    int fd; /* 0: free */
    bool reads;  /* all that was there was read */
    bool writes; /* it takes no more */
    bool is_connecting;
    bool has_end; /* nothing more is written: passed on when it is connected */
} connections[MOTE_JOBS];

static enum mote_status open_connection(void *context, uint32_t *handle) {
    const struct tcp_address *address = context;
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(address->port)};
    unsigned i = 0;
    while (i < MOTE_JOBS && connections[i].fd) {
        i++;
    }
    if (i == MOTE_JOBS || inet_pton(AF_INET, address->host, &peer.sin_addr) != 1) {
        return MOTE_STATUS_UNAVAILABLE;
    }
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) {
        return MOTE_STATUS_UNAVAILABLE;
    }
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    bool done = connect(fd, (struct sockaddr *)&peer, sizeof peer) == 0;
    int error = done || errno == EINPROGRESS ? 0 : errno;
    /* On this machine the answer is here already; from others it comes later. */
    struct pollfd answer = {.fd = fd, .events = POLLOUT};
    socklen_t size = sizeof error;
    if (!done && error == 0 && poll(&answer, 1, 0) == 1) {
        done = true;
        (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    }
    if (error != 0) {
        (void)close(fd);
        return MOTE_STATUS_UNAVAILABLE;
    }
    const struct connection connection = {fd, true, !done, !done, false};
    connections[i] = connection;
    *handle = i;
    return MOTE_STATUS_OK;
}

static int read_connection(void *context, uint32_t handle, uint8_t *bytes, size_t length) {
    (void)context;
    struct connection *connection = &connections[handle];
    ssize_t count = connection->is_connecting ? 0 : read(connection->fd, bytes, length);
    if (connection->is_connecting || (count < 0 && (errno == EAGAIN || errno == EINTR))) {
        connection->reads = true;
        return 0;
    }
    return count > 0 ? (int)count : count == 0 ? MOTE_SERVICE_ENDED : MOTE_SERVICE_BROKEN;
}

static int write_connection(void *context, uint32_t handle, const uint8_t *bytes, size_t length) {
    (void)context;
    struct connection *connection = &connections[handle];
    if (!bytes) {
        return connection->writes ? 0 : MOTE_RX_WINDOW_BYTES;
    }
    ssize_t count = connection->is_connecting ? 0 : send(connection->fd, bytes, length, MSG_NOSIGNAL);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        count = 0;
    }
    connection->writes = count >= 0 && (size_t)count < length;
    return count >= 0 ? (int)count : MOTE_SERVICE_BROKEN;
}

static void end_connection(void *context, uint32_t handle) {
    (void)context;
    connections[handle].has_end = true;
    if (!connections[handle].is_connecting) {
        (void)shutdown(connections[handle].fd, SHUT_WR);
    }
}

static void close_connection(void *context, uint32_t handle) {
    (void)context;
    (void)close(connections[handle].fd);
    connections[handle].fd = 0;
}

const struct mote_service_driver tcp_driver = {open_connection, read_connection, write_connection,
                                               end_connection,  close_connection, 0};

unsigned tcp_waits(struct pollfd *fds) {
    unsigned count = 0;
    for (unsigned i = 0; i < MOTE_JOBS; i++) {
        const struct connection *connection = &connections[i];
        if (connection->fd && (connection->reads || connection->writes)) {
            fds[count].fd = connection->fd;
            fds[count].events = (short)((connection->reads && !connection->is_connecting ? POLLIN : 0) |
                                        (connection->writes ? POLLOUT : 0));
            fds[count++].revents = 0;
        }
    }
    return count;
}

void tcp_waited(const struct pollfd *fds, unsigned count) {
    for (; count > 0; count--, fds++) {
        for (unsigned i = 0; i < MOTE_JOBS; i++) {
            struct connection *connection = &connections[i];
            if (connection->fd == fds->fd && fds->revents) {
                connection->reads = connection->reads && !(fds->revents & (POLLIN | POLLHUP | POLLERR));
                connection->writes = false;
                if (connection->is_connecting && connection->has_end) {
                    (void)shutdown(connection->fd, SHUT_WR);
                }
                connection->is_connecting = false;
            }
        }
    }
}
