#ifndef MOTE_CONFIG_H
#define MOTE_CONFIG_H

#include "mote/profile.gen.h"

/*
 * Every knob of the core: unit, default, RAM cost. Set one with -D, or name a header of your own in
 * MOTE_CONFIG_FILE.
 */
#ifdef MOTE_CONFIG_FILE
#include MOTE_CONFIG_FILE
#endif

/**
 * Longest message received and sent, bytes. RAM: one segment buffer of this + 6 in each serial
 * line.
 */
#ifndef MOTE_MESSAGE_BYTES
#define MOTE_MESSAGE_BYTES 256
#endif

/** Memory of the log ring, bytes. RAM: this. A report of n bytes needs n + 8 of it. */
#ifndef MOTE_LOG_RING_BYTES
#define MOTE_LOG_RING_BYTES 512
#endif

/**
 * Memory of a queue of lines from interrupts and threads, bytes. RAM: this + 24, if there is one. A
 * line of n bytes takes n + 7 of it.
 */
#ifndef MOTE_LOG_QUEUE_BYTES
#define MOTE_LOG_QUEUE_BYTES MOTE_MESSAGE_BYTES
#endif

/**
 * Streams open at a time. A command takes one, and one more for its stderr while at least one stays
 * free, so that with two a command and a forwarded port go together. RAM: 32 +
 * MOTE_STREAM_BUFFER_BYTES each.
 */
#ifndef MOTE_STREAMS
#define MOTE_STREAMS 2
#endif

/** Bytes that a stream keeps until the gateway has acknowledged them. RAM: this for each stream. */
#ifndef MOTE_STREAM_BUFFER_BYTES
#define MOTE_STREAM_BUFFER_BYTES 128
#endif

/**
 * What a gateway may send on a stream before the first credit, bytes. RAM: none here, but the
 * receive ring of the port must hold a frame of it.
 */
#ifndef MOTE_RX_WINDOW_BYTES
#define MOTE_RX_WINDOW_BYTES 128
#endif

/**
 * Longest part of a message that is built whole, bytes: hello, responses, and the heads of data and
 * reports, whose bodies are sent from where they lie. RAM: this. Hello takes up to 127.
 */
#ifndef MOTE_SCRATCH_BYTES
#define MOTE_SCRATCH_BYTES 128
#endif

/**
 * Maximum number of messages that one poll processes, so that a busy line cannot starve the
 * application. RAM: none.
 */
#ifndef MOTE_POLL_MESSAGES
#define MOTE_POLL_MESSAGES 16
#endif

/**
 * Longest path of a file, bytes. RAM: this in each job whose file is being written (MOTE_JOBS, in the
 * place of an argv), and on the stack of commands with paths.
 */
#ifndef MOTE_FILE_NAME_BYTES
#define MOTE_FILE_NAME_BYTES 64
#endif

/**
 * What runs at a time on streams: commands, consoles, transfers of files, connections. RAM:
 * MOTE_MESSAGE_BYTES + 32 each, for the most part their argv.
 */
#ifndef MOTE_JOBS
#define MOTE_JOBS MOTE_STREAMS
#endif

#if MOTE_MESSAGE_BYTES < MOTE_LIMIT_MIN_MESSAGE_BYTES ||                                           \
    MOTE_MESSAGE_BYTES > MOTE_LIMIT_MESSAGE_BYTES
#error "MOTE_MESSAGE_BYTES is outside of what the profile allows (SPEC 8)"
#endif
#if MOTE_STREAMS < 1 || MOTE_STREAMS > MOTE_LIMIT_STREAM_ID
#error "a device has 1 to 23 streams (SPEC 5.7)"
#endif
#if MOTE_STREAM_BUFFER_BYTES > MOTE_LIMIT_WINDOW_BYTES ||                                          \
    MOTE_RX_WINDOW_BYTES > MOTE_LIMIT_WINDOW_BYTES
#error "a stream's window is at most 16,384 bytes (SPEC 8)"
#endif
#if MOTE_LOG_QUEUE_BYTES < MOTE_MESSAGE_BYTES - 11 || MOTE_LOG_QUEUE_BYTES > 0xffff
#error "a queue of lines has room for a report's text and 8 bytes, and at most 65,535 bytes"
#endif
#if MOTE_FILE_NAME_BYTES > MOTE_MESSAGE_BYTES - 56 || MOTE_FILE_NAME_BYTES > MOTE_SCRATCH_BYTES - 30
#error "an entry of a list of files has to fit a message and the scratch (SPEC 6.1)"
#endif

#endif
