/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VHDX: errors, checksum, file identifier.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/crc32c.h"
#include "block/vhdx/format.h"
#include "util/utf16.h"

static const char identifier_magic[8] = "vhdxfile";

/* How an error reads: does "value" say anything, and what is "expected"? */
static const struct {
    const char *text;
    bool value;
    const char *expected;
} error_texts[VHDX_ERR_MAX] = {
    [VHDX_ERR_NONE] = { "no error" },
    [VHDX_ERR_READ] = { "cannot be read", true },
    [VHDX_ERR_TRUNCATED] = { "is cut off", true, "bytes needed" },
    [VHDX_ERR_SIGNATURE] = { "has a wrong signature", true },
    [VHDX_ERR_CHECKSUM] = { "has a wrong checksum", true, "computed" },
    [VHDX_ERR_VERSION] = { "is of an unknown version", true, "known" },
    [VHDX_ERR_RESERVED] = { "has reserved bits set", true },
    [VHDX_ERR_ZERO] = { "is zero" },
    [VHDX_ERR_NOT_ZERO] = { "must be zero", true },
    [VHDX_ERR_ALIGNMENT] = { "is not aligned", true, "must be a multiple of" },
    [VHDX_ERR_TOO_SMALL] = { "is too small", true, "at least" },
    [VHDX_ERR_TOO_LARGE] = { "is too large", true, "at most" },
    [VHDX_ERR_NOT_POWER_OF_2] = { "is not a power of 2", true },
    [VHDX_ERR_BAD_VALUE] = { "has no legal value", true },
    [VHDX_ERR_MISMATCH] = { "does not match", true, "expected" },
    [VHDX_ERR_BEYOND] = { "lies outside its place", true, "end of the place" },
    [VHDX_ERR_OVERLAP] = { "overlaps another structure", true },
    [VHDX_ERR_DUPLICATE] = { "is there twice", true },
    [VHDX_ERR_MISSING] = { "is missing" },
    [VHDX_ERR_UNEXPECTED] = { "must not be there", true },
    [VHDX_ERR_UNKNOWN_REQUIRED] = { "is required but unknown" },
    [VHDX_ERR_INCOMPLETE] = { "says that the file was never completed" },
    [VHDX_ERR_TEXT] = { "is not well-formed text", true },
    [VHDX_ERR_DIFFERENT] = { "differs from its copy", true },
    [VHDX_ERR_NO_SEQUENCE] = { "holds no active sequence of entries" },
};

char *vhdx_error_text(const VhdxError *err)
{
    GString *text = g_string_new("VHDX ");
    char guid[GUID_TEXT_LEN + 1];

    assert(err->code < VHDX_ERR_MAX);
    g_string_append(text, err->structure ? err->structure : "file");
    if (err->guid_valid) {
        guid_format(&err->guid, guid);
        g_string_append_printf(text, " %s", guid);
    }
    if (err->field) {
        g_string_append_printf(text, ", %s", err->field);
    }
    g_string_append_printf(text, ", at offset 0x%" PRIx64 " of the file %s",
                           err->offset, error_texts[err->code].text);
    if (error_texts[err->code].value) {
        g_string_append_printf(text, ": 0x%" PRIx64, err->value);
    }
    if (error_texts[err->code].expected) {
        g_string_append_printf(text, " (%s 0x%" PRIx64 ")",
                               error_texts[err->code].expected,
                               err->expected);
    }
    return g_string_free(text, false);
}

bool vhdx_error_set(VhdxError *err, VhdxErrorCode code, const char *structure,
                    const char *field, uint64_t offset, uint64_t value,
                    uint64_t expected)
{
    if (err) {
        *err = (VhdxError) {
            .code = code,
            .structure = structure,
            .field = field,
            .offset = offset,
            .value = value,
            .expected = expected,
        };
    }
    return false;
}

bool vhdx_error_set_guid(VhdxError *err, VhdxErrorCode code,
                         const char *structure, const char *field,
                         uint64_t offset, uint64_t value, uint64_t expected,
                         const Guid *guid)
{
    vhdx_error_set(err, code, structure, field, offset, value, expected);
    if (err) {
        err->guid_valid = true;
        err->guid = *guid;
    }
    return false;
}

uint32_t vhdx_checksum(const uint8_t *buf, size_t len, size_t field)
{
    static const uint8_t zero[sizeof(uint32_t)];
    size_t rest = field + sizeof(zero);
    uint32_t crc;

    assert(rest <= len);
    /* crc32c() inverts its result: undo that to go on. */
    crc = ~crc32c(UINT32_MAX, buf, field);
    crc = ~crc32c(crc, zero, sizeof(zero));
    return crc32c(crc, buf + rest, len - rest);
}

bool vhdx_identifier_decode(const uint8_t *buf, size_t len, char **creator,
                            VhdxError *err)
{
    const size_t there = MIN(len, sizeof(identifier_magic) +
                                  2 * VHDX_CREATOR_UNITS);
    const uint8_t *text = buf + sizeof(identifier_magic);
    size_t bytes = 0;

    if (len < sizeof(identifier_magic)) {
        return vhdx_error_set(err, VHDX_ERR_TRUNCATED, "file identifier", NULL,
                              0, len, sizeof(identifier_magic));
    }
    if (memcmp(buf, identifier_magic, sizeof(identifier_magic))) {
        return vhdx_error_set(err, VHDX_ERR_SIGNATURE, "file identifier",
                              NULL, 0, ldq_le_p(buf), 0);
    }
    if (creator) {
        while (bytes + 2 <= there - sizeof(identifier_magic) &&
               lduw_le_p(text + bytes)) {
            bytes += 2;
        }
        *creator = utf16le_to_utf8(text, bytes, NULL);
    }
    return true;
}

void vhdx_identifier_encode(uint8_t *buf, const char *creator)
{
    size_t len = 0;
    g_autofree uint8_t *text = utf16le_from_utf8(creator, &len, NULL);

    memset(buf, 0, VHDX_IDENTIFIER_LEN);
    memcpy(buf, identifier_magic, sizeof(identifier_magic));
    if (text) {
        len = MIN(len, 2 * VHDX_CREATOR_UNITS);
        /* Do not part a character: half a surrogate pair is no text. */
        if (len && (lduw_le_p(text + len - 2) & 0xfc00) == 0xd800) {
            len -= 2;
        }
        memcpy(buf + sizeof(identifier_magic), text, len);
    }
}
