/* Generated from profiles/src by make generate: do not edit. */
#ifndef MOTE_MESSAGE_LAYOUT_GEN_H
#define MOTE_MESSAGE_LAYOUT_GEN_H

/* What an element must be: an integer up to max_of[code], or a byte string. */
enum {
    UP_TO_1,
    UP_TO_16,
    UP_TO_23,
    UP_TO_255,
    UP_TO_999,
    UP_TO_16384,
    UP_TO_65535,
    UP_TO_4294967295,
    BYTES,
    DONE,
    CODE = 0x0f,
    POSITIVE = 0x10,
    OPTIONAL = 0x20,
    PAIR = 0x40,  /* begins an array of two; if it is optional, it may also be alone instead */
    SECOND = 0x80 /* is in the array of the one before */
};

/* Without that of UP_TO_4294967295, which each integer fulfils. */
static const uint16_t max_of[] = {1, 16, 23, 255, 999, 16384, 65535};

/* The elements of the kinds that a gateway sends (SPEC §3.2); layouts says where a kind begins. */
/* clang-format off */
static const uint8_t elements[] = {
    DONE,
    /* welcome */
    UP_TO_255, UP_TO_4294967295, UP_TO_1, UP_TO_4294967295 | PAIR, UP_TO_999 | SECOND, UP_TO_65535 | POSITIVE, UP_TO_65535 | POSITIVE, UP_TO_255 | POSITIVE, UP_TO_65535, DONE,
    /* request */
    UP_TO_65535, UP_TO_255, DONE,
    /* bye */
    UP_TO_23, UP_TO_4294967295 | OPTIONAL, DONE,
    /* ack */
    UP_TO_65535, DONE,
    /* data */
    UP_TO_23 | POSITIVE, UP_TO_65535, BYTES, UP_TO_16 | OPTIONAL | PAIR, UP_TO_255 | SECOND, DONE,
    /* credit */
    UP_TO_23 | POSITIVE, UP_TO_65535, UP_TO_16384, UP_TO_16 | OPTIONAL, DONE,
};

static const uint8_t layouts[] = {
    [1] = 1,
    [2] = 11,
    [4] = 14,
    [7] = 17,
    [8] = 19,
    [9] = 25,
};
/* clang-format on */

#endif
