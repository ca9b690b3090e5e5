#include "mote/log/log.h"

#include <stdbool.h>

/* Decimal digits of the largest number are fewer than three for each byte. */
enum { DIGITS = 3 * sizeof(unsigned long) };

/* In the place of a precision: there is none. */
#define NONE SIZE_MAX

/* A width with one more digit is wider than any line, and fits 16 bits. */
enum { WIDE = 6000 };

struct output {
    char *text; /* NULL: only counts */
    size_t length;
    size_t max;
};

static MOTE_NOINLINE void put(struct output *output, char byte, size_t times) {
    for (; times > 0 && output->length < output->max; times--) {
        if (output->text) {
            output->text[output->length] = byte;
        }
        output->length++;
    }
}

/* Writes digits before `end`, and returns where they begin; none for 0. */
static char *write_digits(char *end, unsigned long number, char letter) {
    unsigned base = letter == 'x' || letter == 'X' ? 16 : 10;
    for (; number > 0; number /= base) {
        unsigned digit = (unsigned)(number % base);
        /* From 'x' to 'a', from 'X' to 'A'. */
        *--end = (char)(digit < 10 ? digit + '0' : digit - 10 + (unsigned)letter - ('x' - 'a'));
    }
    return end;
}

size_t mote_log_format(char *text, size_t room, const char *format, va_list arguments) {
    struct output output = {text, 0, room > 0 ? room - 1 : 0};
    bool verbatim = false;
    while (*format) {
        const char *start = format++;
        if (*start != '%' || verbatim) {
            put(&output, *start, 1);
            continue;
        }
        bool left = false, zero = false, is_long = false;
        char plus = '\0', letter;
        size_t width = 0, precision = NONE;
        size_t *number = &width;
        for (;; format++) {
            letter = *format;
            if (letter >= '0' && letter <= '9') {
                zero = zero || (letter == '0' && width == 0 && number == &width);
                if (*number < WIDE) {
                    *number = *number * 10u + (size_t)(letter - '0');
                }
            } else if (letter == '*') {
                int given = va_arg(arguments, int);
                if (given >= 0) {
                    *number = (unsigned)given;
                } else if (number == &width) {
                    left = true;
                    width = 0u - (unsigned)given;
                } else {
                    precision = NONE;
                }
            } else if (letter == '.') {
                number = &precision;
                precision = 0;
            } else if (letter == '-') {
                left = true;
            } else if (letter == '+') {
                plus = '+';
            } else if (letter == 'l' && !is_long) {
                is_long = true;
            } else if (letter == 'z') {
                is_long = sizeof(size_t) > sizeof(unsigned);
            } else if (letter != 'h') {
                break;
            }
        }
        char digits[DIGITS], sign = '\0';
        const char *bytes = digits;
        size_t length = 1, zeros = 0;
        if (letter == '%') {
            digits[0] = letter;
        } else if (letter == 'c' && !is_long) {
            digits[0] = (char)va_arg(arguments, int);
        } else if (letter == 's' && !is_long) {
            bytes = va_arg(arguments, const char *);
            bytes = bytes ? bytes : "(null)";
            /* No further than there is room: an interrupt has no time to lose. */
            size_t max = precision < output.max ? precision : output.max;
            for (length = 0; length < max && bytes[length];) {
                length++;
            }
        } else if (letter == 'd' || letter == 'i' || letter == 'u' || letter == 'x' ||
                   letter == 'X') {
            unsigned long value =
                is_long ? va_arg(arguments, unsigned long) : va_arg(arguments, unsigned);
            if (letter == 'd' || letter == 'i') {
                long given = is_long ? (long)value : (int)(unsigned)value;
                sign = given < 0 ? '-' : plus;
                /* Not -given, which the smallest number has not. */
                value = given < 0 ? 0ul - (unsigned long)given : (unsigned long)given;
            }
            bytes = write_digits(digits + DIGITS, value, letter);
            length = (size_t)(digits + DIGITS - bytes);
            size_t wanted = 1;
            if (precision != NONE) {
                wanted = precision;
            } else if (zero && !left && width > 1) {
                wanted = width - (sign != '\0');
            }
            zeros = wanted > length ? wanted - length : 0;
        } else {
            verbatim = true;
            format = start;
            continue;
        }
        format++;
        size_t taken = length + zeros + (sign != '\0');
        size_t blanks = width > taken ? width - taken : 0;
        put(&output, ' ', left ? 0 : blanks);
        put(&output, sign, sign != '\0');
        put(&output, '0', zeros);
        while (length-- > 0) {
            put(&output, *bytes++, 1);
        }
        put(&output, ' ', left ? blanks : 0);
    }
    if (text && room > 0) {
        text[output.length] = '\0';
    }
    return output.length;
}
