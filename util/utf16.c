/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * UTF-16LE to and from UTF-8.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "util/utf16.h"

#define SURROGATE_HIGH 0xd800
#define SURROGATE_LOW 0xdc00
#define SURROGATE_END 0xe000
#define PLANE_1 0x10000

static bool is_high(uint32_t unit)
{
    return unit >= SURROGATE_HIGH && unit < SURROGATE_LOW;
}

static bool is_low(uint32_t unit)
{
    return unit >= SURROGATE_LOW && unit < SURROGATE_END;
}

/*
 * The character at @pos, which is moved past it; 0 if there is none.  An odd
 * byte at the end is none.
 */
static uint32_t utf16le_next(const uint8_t *buf, size_t len, size_t *pos)
{
    uint32_t unit, low;

    if (len - *pos < 2) {
        return 0;
    }
    unit = lduw_le_p(buf + *pos) & 0xffff;
    if (is_low(unit)) {
        return 0;
    }
    if (!is_high(unit)) {
        *pos += unit ? 2 : 0;
        return unit;
    }
    if (len - *pos < 4) {
        return 0;
    }
    low = lduw_le_p(buf + *pos + 2) & 0xffff;
    if (!is_low(low)) {
        return 0;
    }
    *pos += 4;
    return PLANE_1 + ((unit - SURROGATE_HIGH) << 10) + (low - SURROGATE_LOW);
}

char *utf16le_to_utf8(const uint8_t *buf, size_t len, size_t *bad_at)
{
    g_autoptr(GString) text = g_string_sized_new(len);
    size_t pos = 0;

    while (pos < len) {
        uint32_t c = utf16le_next(buf, len, &pos);

        if (!c) {
            if (bad_at) {
                *bad_at = pos;
            }
            return NULL;
        }
        g_string_append_unichar(text, c);
    }
    return g_string_free(g_steal_pointer(&text), false);
}

uint8_t *utf16le_from_utf8(const char *text, size_t *len, size_t *bad_at)
{
    const char *end;
    uint8_t *buf, *out;

    if (!g_utf8_validate(text, -1, &end)) {
        if (bad_at) {
            *bad_at = end - text;
        }
        return NULL;
    }
    /* A character takes at most twice the bytes that it has in UTF-8. */
    out = buf = g_malloc(2 * strlen(text) + 1);
    for (const char *p = text; *p; p = g_utf8_next_char(p)) {
        uint32_t c = g_utf8_get_char(p);

        if (c >= PLANE_1) {
            stw_le_p(out, SURROGATE_HIGH + ((c - PLANE_1) >> 10));
            stw_le_p(out + 2, SURROGATE_LOW + ((c - PLANE_1) & 0x3ff));
            out += 4;
        } else {
            stw_le_p(out, c);
            out += 2;
        }
    }
    *len = out - buf;
    return buf;
}
