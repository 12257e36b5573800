/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VHDX parent locator (MS-VHDX 2.6.2.6): keys and values that say which file
 * is the parent, and where it was last seen.
 *
 *   0 LocatorType   16 reserved   18 KeyValueCount   20 entries
 *   entry of 12 bytes: 0 KeyOffset   4 ValueOffset   8 KeyLength
 *                      10 ValueLength, all in bytes, offsets from the start
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "block/vhdx/format-metadata.h"
#include "util/utf16.h"

#define LOCATOR_HEADER_LEN 20
#define PAIR_LEN 12

const Guid vhdx_locator_type =
    GUID_INIT(0xb04aefb7, 0xd19e, 0x4a81,
              0xb7, 0x89, 0x25, 0xb8, 0xe9, 0x44, 0x59, 0x13);

static bool locator_error(VhdxError *err, VhdxErrorCode code,
                          const char *field, uint64_t offset, uint64_t value,
                          uint64_t expected)
{
    return vhdx_error_set(err, code, "parent locator", field, offset, value,
                          expected);
}

/*
 * The text of @bytes at @offset of the item, whose offset and length fields
 * are at @at_offset and @at_length of the file; NULL on error.  @budget is
 * what all texts together may still take: an item cannot make more memory
 * of texts that share their bytes than it has itself.
 */
static char *locator_text(const uint8_t *buf, size_t len, uint64_t at,
                          const char *field, uint32_t offset, uint16_t bytes,
                          uint64_t at_pair, size_t *budget, VhdxError *err)
{
    char *text;
    size_t bad_at;

    if (!offset || !bytes) {
        locator_error(err, VHDX_ERR_ZERO, field, at_pair, 0, 0);
        return NULL;
    }
    if ((uint64_t)offset + bytes > len) {
        locator_error(err, VHDX_ERR_BEYOND, field, at_pair,
                      (uint64_t)offset + bytes, len);
        return NULL;
    }
    if (bytes > *budget) {
        locator_error(err, VHDX_ERR_TOO_LARGE, field, at_pair, bytes,
                      *budget);
        return NULL;
    }
    *budget -= bytes;
    text = utf16le_to_utf8(buf + offset, bytes, &bad_at);
    if (!text) {
        locator_error(err, VHDX_ERR_TEXT, field, at + offset, bad_at, 0);
    }
    return text;
}

/* Decode the pair at @p, which is at @at_pair of the file. */
static bool locator_pair_decode(const uint8_t *buf, size_t len, uint64_t at,
                                const uint8_t *p, VhdxLocator *locator,
                                size_t *budget, VhdxError *err)
{
    uint64_t at_pair = at + (p - buf);
    VhdxLocatorPair pair = { 0 };

    pair.key = locator_text(buf, len, at, "key", ldl_le_p(p),
                            lduw_le_p(p + 8), at_pair, budget, err);
    if (!pair.key) {
        return false;
    }
    if (vhdx_locator_get(locator, pair.key)) {
        g_free(pair.key);
        return locator_error(err, VHDX_ERR_DUPLICATE, "key", at_pair,
                             locator->n, 0);
    }
    pair.value = locator_text(buf, len, at, "value", ldl_le_p(p + 4),
                              lduw_le_p(p + 10), at_pair, budget, err);
    if (!pair.value) {
        g_free(pair.key);
        return false;
    }
    locator->pair[locator->n++] = pair;
    return true;
}

/* The GUID in braces of @key; zero if the key is not there. */
static bool locator_linkage(const VhdxLocator *locator, const char *key,
                            uint64_t at, Guid *guid, VhdxError *err)
{
    const char *text = vhdx_locator_get(locator, key);

    *guid = (Guid) { { 0 } };
    if (!text) {
        return true;
    }
    return (strlen(text) == GUID_BRACED_LEN &&
            guid_parse(text, GUID_BRACED_LEN, guid)) ||
           locator_error(err, VHDX_ERR_TEXT, key, at, strlen(text), 0);
}

/* What holds of all pairs together. */
static bool locator_check(VhdxLocator *locator, uint64_t at, VhdxError *err)
{
    if (!locator_linkage(locator, VHDX_KEY_LINKAGE, at, &locator->linkage,
                         err) ||
        !locator_linkage(locator, VHDX_KEY_LINKAGE2, at, &locator->linkage2,
                         err)) {
        return false;
    }
    if (!vhdx_locator_get(locator, VHDX_KEY_LINKAGE)) {
        return locator_error(err, VHDX_ERR_MISSING, VHDX_KEY_LINKAGE, at, 0,
                             0);
    }
    return vhdx_locator_get(locator, VHDX_KEY_RELATIVE) ||
           vhdx_locator_get(locator, VHDX_KEY_VOLUME) ||
           vhdx_locator_get(locator, VHDX_KEY_ABSOLUTE) ||
           locator_error(err, VHDX_ERR_MISSING, "path", at, 0, 0);
}

static bool locator_header_check(const uint8_t *buf, size_t len, uint64_t at,
                                 unsigned *count, VhdxError *err)
{
    Guid type;

    if (len < LOCATOR_HEADER_LEN) {
        return locator_error(err, VHDX_ERR_TRUNCATED, NULL, at, len,
                             LOCATOR_HEADER_LEN);
    }
    type = guid_load(buf);
    if (!guid_equal(&type, &vhdx_locator_type)) {
        return vhdx_error_set_guid(err, VHDX_ERR_BAD_VALUE, "parent locator",
                                   "LocatorType", at, ldq_le_p(buf), 0,
                                   &type);
    }
    *count = lduw_le_p(buf + 18) & 0xffff;
    if (!*count) {
        return locator_error(err, VHDX_ERR_ZERO, "KeyValueCount", at + 18, 0,
                             0);
    }
    if (*count > VHDX_LOCATOR_PAIRS_MAX) {
        return locator_error(err, VHDX_ERR_TOO_LARGE, "KeyValueCount",
                             at + 18, *count, VHDX_LOCATOR_PAIRS_MAX);
    }
    return LOCATOR_HEADER_LEN + *count * PAIR_LEN <= len ||
           locator_error(err, VHDX_ERR_BEYOND, "KeyValueCount", at + 18,
                         LOCATOR_HEADER_LEN + *count * PAIR_LEN, len);
}

bool vhdx_locator_decode(const uint8_t *buf, size_t len, uint64_t at,
                         VhdxLocator *locator, VhdxError *err)
{
    size_t budget = len;
    unsigned count;
    bool ok = true;

    if (!locator_header_check(buf, len, at, &count, err)) {
        return false;
    }
    *locator = (VhdxLocator) { .pair = g_new0(VhdxLocatorPair, count) };
    for (unsigned i = 0; ok && i < count; i++) {
        ok = locator_pair_decode(buf, len, at,
                                 buf + LOCATOR_HEADER_LEN + i * PAIR_LEN,
                                 locator, &budget, err);
    }
    ok = ok && locator_check(locator, at, err);
    if (!ok) {
        vhdx_locator_destroy(locator);
    }
    return ok;
}

/* Append the UTF-16LE of @text to @texts; where it begins and its length. */
static bool locator_append(GByteArray *texts, const char *text, size_t base,
                           const char *field, uint32_t *offset,
                           uint16_t *length, VhdxError *err)
{
    size_t len, bad_at;
    g_autofree uint8_t *utf16 = utf16le_from_utf8(text, &len, &bad_at);

    if (!utf16) {
        return locator_error(err, VHDX_ERR_TEXT, field, 0, bad_at, 0);
    }
    if (!len) {
        return locator_error(err, VHDX_ERR_ZERO, field, 0, 0, 0);
    }
    if (len > UINT16_MAX) {
        return locator_error(err, VHDX_ERR_TOO_LARGE, field, 0, len,
                             UINT16_MAX);
    }
    *offset = base + texts->len;
    *length = len;
    g_byte_array_append(texts, utf16, len);
    return true;
}

uint8_t *vhdx_locator_encode(const VhdxLocator *locator, size_t *len,
                             VhdxError *err)
{
    size_t base = LOCATOR_HEADER_LEN + locator->n * PAIR_LEN;
    g_autofree uint8_t *head = g_malloc0(base);
    g_autoptr(GByteArray) texts = g_byte_array_new();
    VhdxLocator check = *locator;
    uint8_t *buf;

    if (locator->n > VHDX_LOCATOR_PAIRS_MAX) {
        locator_error(err, VHDX_ERR_TOO_LARGE, "KeyValueCount", 0,
                      locator->n, VHDX_LOCATOR_PAIRS_MAX);
        return NULL;
    }
    if (!locator_check(&check, 0, err)) {
        return NULL;
    }
    guid_store(head, &vhdx_locator_type);
    stw_le_p(head + 18, locator->n);
    for (unsigned i = 0; i < locator->n; i++) {
        uint8_t *p = head + LOCATOR_HEADER_LEN + i * PAIR_LEN;
        uint32_t key_offset, value_offset;
        uint16_t key_length, value_length;

        if (!locator_append(texts, locator->pair[i].key, base, "key",
                            &key_offset, &key_length, err) ||
            !locator_append(texts, locator->pair[i].value, base, "value",
                            &value_offset, &value_length, err)) {
            return NULL;
        }
        stl_le_p(p, key_offset);
        stl_le_p(p + 4, value_offset);
        stw_le_p(p + 8, key_length);
        stw_le_p(p + 10, value_length);
    }
    *len = base + texts->len;
    if (*len > VHDX_ITEM_LEN_MAX) {
        locator_error(err, VHDX_ERR_TOO_LARGE, "Length", 0, *len,
                      VHDX_ITEM_LEN_MAX);
        return NULL;
    }
    buf = g_malloc(*len);
    memcpy(buf, head, base);
    memcpy(buf + base, texts->data, texts->len);
    return buf;
}

void vhdx_locator_init(VhdxLocator *locator, const Guid *linkage)
{
    *locator = (VhdxLocator) { 0 };
    vhdx_locator_set_linkage(locator, linkage);
}

void vhdx_locator_destroy(VhdxLocator *locator)
{
    for (unsigned i = 0; i < locator->n; i++) {
        g_free(locator->pair[i].key);
        g_free(locator->pair[i].value);
    }
    g_free(locator->pair);
    *locator = (VhdxLocator) { 0 };
}

static int locator_find(const VhdxLocator *locator, const char *key)
{
    for (unsigned i = 0; i < locator->n; i++) {
        if (!strcmp(locator->pair[i].key, key)) {
            return i;
        }
    }
    return -1;
}

const char *vhdx_locator_get(const VhdxLocator *locator, const char *key)
{
    int i = locator_find(locator, key);

    return i < 0 ? NULL : locator->pair[i].value;
}

void vhdx_locator_set(VhdxLocator *locator, const char *key,
                      const char *value)
{
    int i = locator_find(locator, key);

    if (i >= 0 && value) {
        char *copy = g_strdup(value);

        g_free(locator->pair[i].value);
        locator->pair[i].value = copy;
    } else if (i >= 0) {
        g_free(locator->pair[i].key);
        g_free(locator->pair[i].value);
        locator->n--;
        memmove(&locator->pair[i], &locator->pair[i + 1],
                (locator->n - i) * sizeof(*locator->pair));
    } else if (value) {
        locator->pair = g_renew(VhdxLocatorPair, locator->pair,
                                locator->n + 1);
        locator->pair[locator->n++] = (VhdxLocatorPair) {
            .key = g_strdup(key),
            .value = g_strdup(value),
        };
    }
}

void vhdx_locator_set_linkage(VhdxLocator *locator, const Guid *linkage)
{
    char text[GUID_BRACED_LEN + 1];

    locator->linkage = *linkage;
    guid_format_braced(linkage, text);
    vhdx_locator_set(locator, VHDX_KEY_LINKAGE, text);
}

void vhdx_locator_set_linkage2(VhdxLocator *locator, const Guid *linkage2)
{
    char text[GUID_BRACED_LEN + 1];

    if (linkage2 && !guid_is_zero(linkage2)) {
        locator->linkage2 = *linkage2;
        guid_format_braced(linkage2, text);
        vhdx_locator_set(locator, VHDX_KEY_LINKAGE2, text);
    } else {
        locator->linkage2 = (Guid) { { 0 } };
        vhdx_locator_set(locator, VHDX_KEY_LINKAGE2, NULL);
    }
}

bool vhdx_locator_matches(const VhdxLocator *locator,
                          const Guid *data_write_guid)
{
    /* A zero linkage2 stands for "none", also when a file has that text. */
    return guid_equal(&locator->linkage, data_write_guid) ||
           (!guid_is_zero(&locator->linkage2) &&
            guid_equal(&locator->linkage2, data_write_guid));
}
