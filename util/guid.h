/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * GUIDs as Microsoft's formats store them: a little-endian 32-bit field, two
 * little-endian 16-bit fields, then eight bytes as they are.  A Guid holds
 * those 16 bytes, so that reading and writing one is a copy; only the text
 * form knows about fields.
 *
 * Pure functions, callable in any context.
 */

#ifndef UTIL_GUID_H
#define UTIL_GUID_H

#define GUID_LEN 16
/* "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", and the same in braces. */
#define GUID_TEXT_LEN 36
#define GUID_BRACED_LEN 38

typedef struct Guid {
    uint8_t bytes[GUID_LEN];
} Guid;

/* A constant Guid, given as in its text: fields, then eight bytes. */
#define GUID_INIT(a, b, c, d0, d1, d2, d3, d4, d5, d6, d7) \
    { .bytes = {                                           \
        (a) & 0xff, (a) >> 8 & 0xff,                       \
        (a) >> 16 & 0xff, (a) >> 24 & 0xff,                \
        (b) & 0xff, (b) >> 8 & 0xff,                       \
        (c) & 0xff, (c) >> 8 & 0xff,                       \
        (d0), (d1), (d2), (d3), (d4), (d5), (d6), (d7) } }

static inline bool guid_equal(const Guid *a, const Guid *b)
{
    return !memcmp(a->bytes, b->bytes, GUID_LEN);
}

/* Whether @guid is the one of all zero bytes. */
bool guid_is_zero(const Guid *guid);

/* The Guid whose stored form begins at @buf (GUID_LEN bytes), and back. */
Guid guid_load(const uint8_t *buf);
void guid_store(uint8_t *buf, const Guid *guid);

/*
 * Make a version 4 GUID of 16 @random bytes: 122 of the bits are kept, so the
 * result is never zero.  Where the bytes come from is the caller's business.
 */
Guid guid_from_random(const uint8_t random[GUID_LEN]);

/*
 * Read the text of exactly @len bytes, with or without braces, digits in
 * either case.  Nothing may stand before or after it.  On false @guid keeps
 * its value.
 */
bool guid_parse(const char *text, size_t len, Guid *guid);

/* Write the text in lower case, with the final NUL; without and in braces. */
void guid_format(const Guid *guid, char text[GUID_TEXT_LEN + 1]);
void guid_format_braced(const Guid *guid, char text[GUID_BRACED_LEN + 1]);

#endif /* UTIL_GUID_H */
