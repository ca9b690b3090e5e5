/*
 * What mote_log_format writes, row by row: in as much room as there is, in each smaller one, and
 * only counted. Prints the rows that are wrong, and ends with how many those are. Built with
 * sanitizers; without stdio, so that it runs on a board too.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mote/log/log.h"

/* The numbers of this compiler's int and long, in words. */
#if INT_MAX == 32767
#define INT_MIN_TEXT "-32768"
#define INT_MAX_TEXT "32767"
#define UINT_MAX_TEXT "65535"
#define ALL_BITS "ffff"
#define CAPITAL_BITS "FFFF"
#else
#define INT_MIN_TEXT "-2147483648"
#define INT_MAX_TEXT "2147483647"
#define UINT_MAX_TEXT "4294967295"
#define ALL_BITS "ffffffff"
#define CAPITAL_BITS "FFFFFFFF"
#endif
#if LONG_MAX == 2147483647
#define LONG_MIN_TEXT "-2147483648"
#define ULONG_MAX_TEXT "4294967295"
#else
#define LONG_MIN_TEXT "-9223372036854775808"
#define ULONG_MAX_TEXT "18446744073709551615"
#endif

enum { ROOM = 64 };

static int failures;

static void fail(const char *format, const char *what, const char *expected, const char *got) {
    failures++;
    puts(what);
    puts(format);
    puts(expected);
    puts(got);
}

static size_t format_once(char *text, size_t room, const char *format, va_list arguments) {
    va_list copy;
    va_copy(copy, arguments);
    size_t length = mote_log_format(text, room, format, copy);
    va_end(copy);
    return length;
}

/* Of a format that compilers do not check: some of them are wrong on purpose. */
static void check(const char *expected, const char *format, ...) {
    size_t whole = strlen(expected);
    va_list arguments;
    va_start(arguments, format);
    for (size_t room = 0; room <= whole + 2 && room <= ROOM; room++) {
        /* Exactly so large, for the sanitizer. */
        char *text = malloc(room + (room == 0));
        size_t max = room > 0 ? room - 1 : 0, length = whole < max ? whole : max;
        memset(text, '#', room + (room == 0));
        size_t wrote = format_once(text, room, format, arguments);
        if (wrote != length || format_once(NULL, room, format, arguments) != length) {
            fail(format, "the wrong count, of", expected, "");
        } else if (room > 0 && (memcmp(text, expected, length) != 0 || text[length] != '\0')) {
            text[max] = '\0';
            fail(format, "expected and got, of", expected, text);
        }
        free(text);
    }
    va_end(arguments);
}

/* A line that is wider than its room. */
static void check_full(const char *expected, const char *format, ...) {
    char text[ROOM];
    va_list arguments;
    va_start(arguments, format);
    memset(text, '#', sizeof text);
    if (mote_log_format(text, ROOM, format, arguments) != ROOM - 1 || strcmp(text, expected) != 0) {
        text[ROOM - 1] = '\0';
        fail(format, "not full, of", expected, text);
    }
    va_end(arguments);
}

int main(void) {
    static const char unended[3] = {'a', 'b', 'c'};
    check("", "");
    check("plain text", "plain text");
    check("100 %", "100 %%");

    check("0", "%d", 0);
    check("-1 1", "%i %d", -1, 1);
    check(INT_MIN_TEXT, "%d", INT_MIN);
    check(INT_MAX_TEXT, "%d", INT_MAX);
    check("0 " UINT_MAX_TEXT, "%u %u", 0u, UINT_MAX);
    check(LONG_MIN_TEXT, "%ld", LONG_MIN);
    check(ULONG_MAX_TEXT, "%lu", ULONG_MAX);
    check("-32768 65535", "%hd %hu", (short)-32768, (unsigned short)65535u);
    check("-128 255 ff", "%hhd %hhu %hhx", (signed char)-128, (unsigned char)255, (unsigned char)255);
    check("40000 -1", "%zu %zd", (size_t)40000u, (ptrdiff_t)-1);

    check("0 9 a f 10", "%x %x %x %x %x", 0u, 9u, 10u, 15u, 16u);
    check("deadbeef DEADBEEF", "%lx %lX", 0xdeadbeeful, 0xdeadbeeful);
    check(ALL_BITS " " CAPITAL_BITS, "%x %X", UINT_MAX, UINT_MAX);
    check("0x0000abcd", "0x%08lx", 0xabcdul);

    check("   42|42   |00042|+42", "%5d|%-5d|%05d|%+d", 42, 42, 42, 42);
    check("  -42|-42  |-0042|-42", "%5d|%-5d|%05d|%+d", -42, -42, -42, -42);
    check("12345|12345|12345", "%3d|%-3d|%03d", 12345, 12345, 12345);
    check("042|  042|042  |", "%.3d|%5.3d|%-5.3d|%.0d", 42, 42, 42, 0);
    check("  042|+042", "%05.3d|%+.3d", 42, 42);
    check("   42|42   |42   ", "%*d|%*d|%-*d", 5, 42, -5, 42, 5, 42);
    check("42|0042", "%.*d|%.*d", -4, 42, 4, 42);
    check("-0000042|+0000042", "%08d|%+08d", -42, 42);
    check("42   ", "%-05d", 42);
    check("+0|0|+0|-1", "%+01d|%01d|%+02d|%02d", 0, 0, 0, -1);
    check("         1", "%10d", 1);

    check("text", "%s", "text");
    check("", "%s", "");
    check("(null)", "%s", (const char *)NULL);
    check("(nu", "%.3s", (const char *)NULL);
    check("   ab|ab   |   ab|abcdef", "%5s|%-5s|%5.2s|%3s", "ab", "ab", "abc", "abcdef");
    check("abc ab", "%.3s %.*s", unended, 2, unended);
    check("abc", "%.*s", -1, "abc");
    check("a|  b|c  |", "%c|%3c|%-3c|", 'a', 'b', 'c');

    /* What is not known ends the formatting, whatever comes behind it. */
    check("1 %f %d %s", "%d %f %d %s", 1, 1.0, 2, "x");
    check("%lld %d", "%lld %d", 1ll, 2);
    check("%p", "%p", (void *)unended);
    check("%#x %d", "%#x %d", 1u, 2);
    check("%ls", "%ls", L"wide");
    check("%n", "%n", (void *)NULL);
    check("%", "%");
    check("%5", "%5");
    check("1 %-+0*", "%d %-+0*", 1, 2);

    /* Wider than any line, and than an int: the line is full, and no more happens. */
    char blanks[ROOM];
    memset(blanks, ' ', ROOM);
    blanks[ROOM - 1] = '\0';
    check_full(blanks, "%60000d", 7);
    check_full(blanks, "%65537d", 7);
    check_full(blanks, "%4294967297d", 7);
    check_full(blanks, "%99999999999999999999999d", 7);
    check_full(blanks, "%*d", INT_MAX, 7);
    check_full(blanks, "%*s", INT_MAX, "");
    memset(blanks, '0', ROOM - 1);
    check_full(blanks, "%.99999999999999999999999d", 7);
    check_full(blanks, "%.*d", INT_MAX, 7);
    memset(blanks, ' ', ROOM - 1);
    blanks[0] = '7';
    check_full(blanks, "%*d", INT_MIN, 7);
    return failures > 0;
}
