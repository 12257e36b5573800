/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * GUIDs: stored form and text.
 */

#include "qemu/osdep.h"
#include "util/guid.h"

/* Which stored byte is the nth pair of digits in the text. */
static const uint8_t text_order[GUID_LEN] = {
    3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15,
};

static bool dash_before(unsigned pair)
{
    return pair == 4 || pair == 6 || pair == 8 || pair == 10;
}

bool guid_is_zero(const Guid *guid)
{
    static const Guid zero;

    return guid_equal(guid, &zero);
}

Guid guid_load(const uint8_t *buf)
{
    Guid guid;

    memcpy(guid.bytes, buf, GUID_LEN);
    return guid;
}

void guid_store(uint8_t *buf, const Guid *guid)
{
    memcpy(buf, guid->bytes, GUID_LEN);
}

Guid guid_from_random(const uint8_t random[GUID_LEN])
{
    Guid guid = guid_load(random);

    /* Version: the high digit of the third field.  Variant: RFC 4122. */
    guid.bytes[7] = (guid.bytes[7] & 0x0f) | 0x40;
    guid.bytes[8] = (guid.bytes[8] & 0x3f) | 0x80;
    return guid;
}

bool guid_parse(const char *text, size_t len, Guid *guid)
{
    Guid parsed;
    const char *p = text;

    if (len == GUID_BRACED_LEN && text[0] == '{' && text[len - 1] == '}') {
        p++;
    } else if (len != GUID_TEXT_LEN) {
        return false;
    }
    for (unsigned pair = 0; pair < GUID_LEN; pair++) {
        int high, low;

        if (dash_before(pair) && *p++ != '-') {
            return false;
        }
        high = g_ascii_xdigit_value(*p++);
        low = g_ascii_xdigit_value(*p++);
        if (high < 0 || low < 0) {
            return false;
        }
        parsed.bytes[text_order[pair]] = high << 4 | low;
    }
    *guid = parsed;
    return true;
}

void guid_format(const Guid *guid, char text[GUID_TEXT_LEN + 1])
{
    static const char digits[] = "0123456789abcdef";
    char *p = text;

    for (unsigned pair = 0; pair < GUID_LEN; pair++) {
        uint8_t byte = guid->bytes[text_order[pair]];

        if (dash_before(pair)) {
            *p++ = '-';
        }
        *p++ = digits[byte >> 4];
        *p++ = digits[byte & 0xf];
    }
    *p = '\0';
}

void guid_format_braced(const Guid *guid, char text[GUID_BRACED_LEN + 1])
{
    text[0] = '{';
    guid_format(guid, text + 1);
    text[GUID_BRACED_LEN - 1] = '}';
    text[GUID_BRACED_LEN] = '\0';
}
