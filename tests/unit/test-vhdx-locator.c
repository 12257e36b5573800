/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VHDX parent locator.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "unit.h"
#include "block/vhdx/format-metadata.h"
#include "util/utf16.h"
#include "vhdx-fixture.h"

#define AT 0x210000
#define LINKAGE "{2dc27766-f623-4200-9d64-115e9bfd4a08}"
#define LINKAGE_UPPER "{2DC27766-F623-4200-9D64-115E9BFD4A08}"
#define OTHER "{8b7ca206-4790-4b9a-b8fe-575f050f886e}"

/* An item of any keys and values, legal or not; NULL ends the list. */
static uint8_t *item_make(const char *const *texts, size_t *len)
{
    GByteArray *item = g_byte_array_new();
    unsigned n = 0;

    while (texts[2 * n]) {
        n++;
    }
    g_byte_array_set_size(item, 20 + 12 * n);
    memset(item->data, 0, item->len);
    guid_store(item->data, &vhdx_locator_type);
    stw_le_p(item->data + 18, n);
    for (unsigned i = 0; i < 2 * n; i++) {
        size_t bytes;
        g_autofree uint8_t *utf16 = utf16le_from_utf8(texts[i], &bytes, NULL);
        size_t offset = item->len;
        uint8_t *p;

        g_byte_array_append(item, utf16, bytes);
        p = item->data + 20 + 12 * (i / 2);
        stl_le_p(p + (i % 2 ? 4 : 0), offset);
        stw_le_p(p + (i % 2 ? 10 : 8), bytes);
    }
    *len = item->len;
    return g_byte_array_free(item, false);
}

static bool item_decode(const uint8_t *item, size_t len, VhdxError *err)
{
    uint8_t *exact = unit_exact(item, len);
    VhdxLocator locator;
    bool ok = vhdx_locator_decode(exact, len, AT, &locator, err);

    if (ok) {
        vhdx_locator_destroy(&locator);
    }
    free(exact);
    return ok;
}

static const struct {
    const char *name;
    const char *texts[12];
    int code;
} contents[] = {
    { "relative", { "parent_linkage", LINKAGE, "relative_path", "a" }, 0 },
    { "volume", { "parent_linkage", LINKAGE, "volume_path", "a" }, 0 },
    { "absolute", { "parent_linkage", LINKAGE, "absolute_win32_path", "a" },
      0 },
    { "any order", { "volume_path", "a", "parent_linkage", LINKAGE }, 0 },
    { "upper case", { "parent_linkage", LINKAGE_UPPER, "volume_path", "a" },
      0 },
    { "unknown key", { "parent_linkage", LINKAGE, "volume_path", "a",
      "x", "y" }, 0 },
    { "linkage 2", { "parent_linkage", LINKAGE, "parent_linkage2", OTHER,
      "volume_path", "a" }, 0 },
    { "not ASCII", { "parent_linkage", LINKAGE, "relative_path",
      "\xf0\x9f\x92\xbe\xc3\xa4.vhdx" }, 0 },
    { "no linkage", { "relative_path", "a" }, VHDX_ERR_MISSING },
    { "key in capitals", { "Parent_Linkage", LINKAGE, "volume_path", "a" },
      VHDX_ERR_MISSING },
    { "only linkage 2", { "parent_linkage2", LINKAGE, "volume_path", "a" },
      VHDX_ERR_MISSING },
    { "no path", { "parent_linkage", LINKAGE }, VHDX_ERR_MISSING },
    { "no known path", { "parent_linkage", LINKAGE, "path", "a" },
      VHDX_ERR_MISSING },
    { "linkage without braces", { "parent_linkage",
      "2dc27766-f623-4200-9d64-115e9bfd4a08", "volume_path", "a" },
      VHDX_ERR_TEXT },
    { "linkage with a space", { "parent_linkage", LINKAGE " ",
      "volume_path", "a" }, VHDX_ERR_TEXT },
    { "linkage is no GUID", { "parent_linkage", "x", "volume_path", "a" },
      VHDX_ERR_TEXT },
    { "linkage 2 is no GUID", { "parent_linkage", LINKAGE,
      "parent_linkage2", "x", "volume_path", "a" }, VHDX_ERR_TEXT },
    { "key twice", { "parent_linkage", LINKAGE, "volume_path", "a",
      "volume_path", "b" }, VHDX_ERR_DUPLICATE },
    { "unknown key twice", { "parent_linkage", LINKAGE, "volume_path", "a",
      "x", "b", "x", "b" }, VHDX_ERR_DUPLICATE },
    { "empty key", { "parent_linkage", LINKAGE, "volume_path", "a",
      "", "b" }, VHDX_ERR_ZERO },
    { "empty value", { "parent_linkage", LINKAGE, "volume_path", "" },
      VHDX_ERR_ZERO },
    { "nothing", { NULL }, VHDX_ERR_ZERO },
};

START_TEST(locator_contents)
{
    size_t len;
    g_autofree uint8_t *item = item_make(contents[_i].texts, &len);
    VhdxError err = { 0 };
    bool ok = item_decode(item, len, &err);
    g_autofree char *text = ok ? NULL : vhdx_error_text(&err);

    ck_assert_msg(vhdx_result(ok, &err) == contents[_i].code, "%s: %s",
                  contents[_i].name, text);
}
END_TEST

START_TEST(locator_both_ways)
{
    size_t len, len2;
    g_autofree uint8_t *item = item_make(contents[_i].texts, &len);
    g_autofree uint8_t *again = NULL;
    VhdxLocator locator;

    if (contents[_i].code) {
        return;
    }
    ck_assert(vhdx_locator_decode(item, len, AT, &locator, NULL));
    for (unsigned i = 0; i < locator.n; i++) {
        ck_assert_str_eq(locator.pair[i].key, contents[_i].texts[2 * i]);
        ck_assert_str_eq(locator.pair[i].value,
                         contents[_i].texts[2 * i + 1]);
    }
    again = vhdx_locator_encode(&locator, &len2, NULL);
    ck_assert_ptr_nonnull(again);
    ck_assert_uint_eq(len, len2);
    ck_assert(!memcmp(item, again, len));
    vhdx_locator_destroy(&locator);
}
END_TEST

/* A locator whose fields are changed one by one. */
static const char *const plain[] = {
    "parent_linkage", LINKAGE, "relative_path", "..\\p.vhdx", NULL, NULL,
};

static const struct {
    const char *name;
    unsigned at;
    unsigned size;
    uint32_t value;
    int code;
    int err_at;                 /* -1: elsewhere */
} checks[] = {
    { "reserved is ignored", 16, 2, 1, 0, 0 },
    { "type", 0, 2, 0, VHDX_ERR_BAD_VALUE, 0 },
    { "no pairs", 18, 2, 0, VHDX_ERR_ZERO, 18 },
    { "count past the item", 18, 2, 200, VHDX_ERR_BEYOND, 18 },
    { "257 pairs", 18, 2, 257, VHDX_ERR_TOO_LARGE, 18 },
    { "65535 pairs", 18, 2, 65535, VHDX_ERR_TOO_LARGE, 18 },
    { "one pair", 18, 2, 1, VHDX_ERR_MISSING, 0 },
    { "key offset 0", 20, 4, 0, VHDX_ERR_ZERO, 20 },
    { "key offset past the end", 20, 4, 4096, VHDX_ERR_BEYOND, 20 },
    { "key offset max", 20, 4, UINT32_MAX, VHDX_ERR_BEYOND, 20 },
    { "value offset 0", 24, 4, 0, VHDX_ERR_ZERO, 20 },
    { "value offset max", 24, 4, UINT32_MAX, VHDX_ERR_BEYOND, 20 },
    { "key length 0", 28, 2, 0, VHDX_ERR_ZERO, 20 },
    { "key length odd", 28, 2, 27, VHDX_ERR_TEXT, -1 },
    { "key length max", 28, 2, 65535, VHDX_ERR_BEYOND, 20 },
    { "value length 0", 30, 2, 0, VHDX_ERR_ZERO, 20 },
    { "value length max", 30, 2, 65535, VHDX_ERR_BEYOND, 20 },
    { "second pair", 32, 4, 0, VHDX_ERR_ZERO, 32 },
    { "surrogate in a key", 44, 2, 0xdc00, VHDX_ERR_TEXT, 44 },
    { "NUL in a key", 44, 2, 0, VHDX_ERR_TEXT, 44 },
};

START_TEST(locator_check_table)
{
    const char *name = checks[_i].name;
    size_t len;
    g_autofree uint8_t *item = item_make(plain, &len);
    VhdxError err = { 0 };
    bool ok;

    if (checks[_i].size == 2) {
        stw_le_p(item + checks[_i].at, checks[_i].value);
    } else {
        stl_le_p(item + checks[_i].at, checks[_i].value);
    }
    ok = item_decode(item, len, &err);
    if (!checks[_i].code) {
        ck_assert_msg(ok, "%s: refused, code %d", name, err.code);
    } else {
        vhdx_assert_refused(name, ok, &err, checks[_i].code,
                            checks[_i].err_at < 0 ? err.offset
                            : AT + (unsigned)checks[_i].err_at);
    }
}
END_TEST

START_TEST(locator_cut_off_is_refused)
{
    size_t len;
    g_autofree uint8_t *item = item_make(plain, &len);

    for (size_t cut = 0; cut < len; cut++) {
        VhdxError err = { 0 };
        int code = vhdx_result(item_decode(item, cut, &err), &err);

        ck_assert_msg(code == VHDX_ERR_TRUNCATED || code == VHDX_ERR_BEYOND,
                      "cut at %zu: code %d", cut, code);
    }
}
END_TEST

START_TEST(locator_with_any_bit_changed)
{
    size_t len;
    g_autofree uint8_t *item = item_make(plain, &len);

    for (size_t bit = 0; bit < 8 * len; bit++) {
        VhdxError err = { 0 };

        item[bit / 8] ^= 1 << bit % 8;
        vhdx_result(item_decode(item, len, &err), &err);
        item[bit / 8] ^= 1 << bit % 8;
    }
}
END_TEST

START_TEST(locator_texts_cannot_take_more_than_the_item)
{
    /* 256 pairs that all name the same 60000 bytes. */
    size_t len = 20 + 256 * 12 + 60000;
    g_autofree uint8_t *item = g_malloc0(len);
    VhdxError err = { 0 };

    guid_store(item, &vhdx_locator_type);
    stw_le_p(item + 18, 256);
    for (unsigned i = 0; i < 256; i++) {
        uint8_t *p = item + 20 + i * 12;

        stl_le_p(p, 20 + 256 * 12 + 2 * i);
        stl_le_p(p + 4, 20 + 256 * 12);
        stw_le_p(p + 8, 2);
        stw_le_p(p + 10, 60000);
    }
    for (unsigned i = 0; i < 30000; i++) {
        stw_le_p(item + 20 + 256 * 12 + 2 * i, 0x4e00 + i % 500);
    }
    vhdx_assert_refused("budget", item_decode(item, len, &err), &err,
                        VHDX_ERR_TOO_LARGE, AT + 20 + 12);
}
END_TEST

START_TEST(locator_is_edited)
{
    Guid linkage = vhdx_test_guid(1), linkage2 = vhdx_test_guid(2);
    Guid wrong = vhdx_test_guid(3), zero = { { 0 } };
    VhdxLocator locator, back;
    size_t len;
    g_autofree uint8_t *item = NULL;

    vhdx_locator_init(&locator, &linkage);
    ck_assert_ptr_null(vhdx_locator_encode(&locator, &len, NULL));
    vhdx_locator_set(&locator, VHDX_KEY_RELATIVE, "..\\p.vhdx");
    vhdx_locator_set(&locator, "x", "old");
    vhdx_locator_set(&locator, "x", "new");
    vhdx_locator_set(&locator, "gone", "1");
    vhdx_locator_set(&locator, "gone", NULL);
    vhdx_locator_set(&locator, "never", NULL);
    vhdx_locator_set_linkage2(&locator, &linkage2);
    ck_assert_uint_eq(locator.n, 4);

    item = vhdx_locator_encode(&locator, &len, NULL);
    ck_assert_ptr_nonnull(item);
    ck_assert(vhdx_locator_decode(item, len, AT, &back, NULL));
    ck_assert_str_eq(vhdx_locator_get(&back, "x"), "new");
    ck_assert_ptr_null(vhdx_locator_get(&back, "gone"));
    ck_assert_str_eq(vhdx_locator_get(&back, VHDX_KEY_RELATIVE),
                     "..\\p.vhdx");
    ck_assert(vhdx_locator_matches(&back, &linkage));
    ck_assert(vhdx_locator_matches(&back, &linkage2));
    ck_assert(!vhdx_locator_matches(&back, &wrong));
    ck_assert(!vhdx_locator_matches(&back, &zero));

    vhdx_locator_set_linkage2(&back, NULL);
    ck_assert(!vhdx_locator_matches(&back, &linkage2));
    ck_assert(!vhdx_locator_matches(&back, &zero));
    ck_assert_ptr_null(vhdx_locator_get(&back, VHDX_KEY_LINKAGE2));
    vhdx_locator_destroy(&locator);
    vhdx_locator_destroy(&back);
}
END_TEST

START_TEST(locator_that_could_not_be_read_is_not_made)
{
    Guid linkage = vhdx_test_guid(1);
    g_autofree char *longest = g_strnfill(32767, 'a');
    g_autofree char *longer = g_strnfill(32768, 'a');
    const struct {
        const char *key, *value;
        int code;
    } tries[] = {
        { "k", longest, 0 },
        { "k", longer, VHDX_ERR_TOO_LARGE },
        { "k", "", VHDX_ERR_ZERO },
        { "", "v", VHDX_ERR_ZERO },
        { "k", "\xff", VHDX_ERR_TEXT },
        { VHDX_KEY_LINKAGE, "no GUID", VHDX_ERR_TEXT },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(tries); i++) {
        VhdxLocator locator;
        VhdxError err = { 0 };
        g_autofree uint8_t *item = NULL;
        size_t len;

        vhdx_locator_init(&locator, &linkage);
        vhdx_locator_set(&locator, VHDX_KEY_VOLUME, "a");
        vhdx_locator_set(&locator, tries[i].key, tries[i].value);
        item = vhdx_locator_encode(&locator, &len, &err);
        ck_assert_int_eq(vhdx_result(item != NULL, &err), tries[i].code);
        ck_assert(!item || item_decode(item, len, NULL));
        vhdx_locator_destroy(&locator);
    }
}
END_TEST

START_TEST(locator_of_256_pairs_and_no_more)
{
    Guid linkage = vhdx_test_guid(1);
    VhdxLocator locator;
    VhdxError err = { 0 };
    size_t len;
    uint8_t *item;

    vhdx_locator_init(&locator, &linkage);
    vhdx_locator_set(&locator, VHDX_KEY_VOLUME, "a");
    for (unsigned i = 2; i < VHDX_LOCATOR_PAIRS_MAX; i++) {
        g_autofree char *key = g_strdup_printf("key %u", i);

        vhdx_locator_set(&locator, key, "value");
    }
    item = vhdx_locator_encode(&locator, &len, NULL);
    ck_assert(item && item_decode(item, len, NULL));
    g_free(item);
    vhdx_locator_set(&locator, "one more", "value");
    ck_assert_ptr_null(vhdx_locator_encode(&locator, &len, &err));
    ck_assert_int_eq(err.code, VHDX_ERR_TOO_LARGE);
    vhdx_locator_destroy(&locator);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vhdx-locator");
    TCase *tc = unit_case(suite, "decode");

    tcase_add_loop_test(tc, locator_contents, 0, ARRAY_SIZE(contents));
    tcase_add_loop_test(tc, locator_both_ways, 0, ARRAY_SIZE(contents));
    tcase_add_loop_test(tc, locator_check_table, 0, ARRAY_SIZE(checks));
    tcase_add_test(tc, locator_cut_off_is_refused);
    tcase_add_test(tc, locator_with_any_bit_changed);
    tcase_add_test(tc, locator_texts_cannot_take_more_than_the_item);
    tc = unit_case(suite, "edit");
    tcase_add_test(tc, locator_is_edited);
    tcase_add_test(tc, locator_that_could_not_be_read_is_not_made);
    tcase_add_test(tc, locator_of_256_pairs_and_no_more);
    return unit_run(suite);
}
