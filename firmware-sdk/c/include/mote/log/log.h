#ifndef MOTE_LOG_H
#define MOTE_LOG_H

#include <stdarg.h>
#include <stddef.h>

#include "mote/log/log_queue.h"
#include "mote/session.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Log a line from anywhere: MOTE_LOGI("valve %u at %d °C", valve, celsius). See
 * mote_log_queue_write for what happens, mote_log_format for what a format knows; the compiler checks
 * arguments against it as those of printf.
 *
 * Blocking: no. ISR-safe: yes. Re-entrant: yes; all with the queue's `lock`.
 */
#define MOTE_LOGD(...) ((void)mote_log_queue_write(MOTE_LOG_QUEUE, MOTE_DEBUG, __VA_ARGS__))
#define MOTE_LOGI(...) ((void)mote_log_queue_write(MOTE_LOG_QUEUE, MOTE_INFO, __VA_ARGS__))
#define MOTE_LOGW(...) ((void)mote_log_queue_write(MOTE_LOG_QUEUE, MOTE_WARN, __VA_ARGS__))
#define MOTE_LOGE(...) ((void)mote_log_queue_write(MOTE_LOG_QUEUE, MOTE_ERROR, __VA_ARGS__))

/**
 * The queue for these macros: a variable of the application with this name, or with another name
 * set by -D.
 */
#ifndef MOTE_LOG_QUEUE
#define MOTE_LOG_QUEUE (&mote_log_queue)
extern struct mote_log_queue mote_log_queue;
#endif

/**
 * Writes a formatted text of at most `room` - 1 bytes and a NUL, as vsnprintf does, but without
 * stdio. With `text` NULL it writes nothing, and only counts.
 *
 *   %d %i %u %x %X   an integer; with hh, h, l or z before the letter one of that type
 *   %s               a text; NULL is "(null)"
 *   %c %%            a character, a percent sign
 *
 * Before these: `-`, `0`, `+`, a width, a precision, each as a number or `*`. Anything else (%f, %p,
 * %lld …) ends the formatting: from its percent sign on, the format is copied as it is, since where
 * the next argument begins is not known.
 *
 * Blocking: no. ISR-safe: yes. Re-entrant: yes.
 *
 * @returns bytes that it wrote, or counted, without the NUL
 */
size_t mote_log_format(char *text, size_t room, const char *format, va_list arguments);

/**
 * Records the first line of a boot: its number, the version of the SDK, the board, why it was reset,
 * and the id of the build. To be called once, after mote_session_init.
 *
 *   boot 7: motelet-c 0.1.0, board mps2-an385, reset: power on, build 0123456789abcdef
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different sessions.
 */
void mote_log_boot(struct mote_session *session);

#ifdef __cplusplus
}
#endif

#endif
