/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * GUIDs and UTF-16.
 */

#include "qemu/osdep.h"
#include "qemu/crc32c.h"
#include "unit.h"
#include "util/guid.h"
#include "util/utf16.h"

/* As the BAT region's GUID stands in every VHDX file, and its text. */
static const uint8_t stored[GUID_LEN] = {
    0x66, 0x77, 0xc2, 0x2d, 0x23, 0xf6, 0x00, 0x42,
    0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08,
};
static const Guid constant =
    GUID_INIT(0x2dc27766, 0xf623, 0x4200,
              0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08);
#define TEXT "2dc27766-f623-4200-9d64-115e9bfd4a08"

START_TEST(guid_fields_are_stored_little_endian)
{
    Guid guid = guid_load(stored);
    uint8_t buf[GUID_LEN];

    ck_assert(guid_equal(&guid, &constant));
    guid_store(buf, &guid);
    ck_assert_mem_eq(buf, stored, GUID_LEN);
}
END_TEST

START_TEST(guid_text_is_lower_case)
{
    char text[GUID_TEXT_LEN + 1], braced[GUID_BRACED_LEN + 1];

    guid_format(&constant, text);
    ck_assert_str_eq(text, TEXT);
    guid_format_braced(&constant, braced);
    ck_assert_str_eq(braced, "{" TEXT "}");
}
END_TEST

static const struct {
    const char *text;
    bool ok;
} guid_texts[] = {
    { TEXT, true },
    { "2DC27766-F623-4200-9D64-115E9BFD4A08", true },
    { "2dc27766-F623-4200-9d64-115E9bfd4a08", true },
    { "{" TEXT "}", true },
    { "", false },
    { "{}", false },
    { TEXT " ", false },
    { " " TEXT, false },
    { TEXT "}", false },
    { "{" TEXT, false },
    { "{" TEXT ")", false },
    { "2dc27766f623-4200-9d64-115e9bfd4a080", false },
    { "2dc27766-f623-4200-9d64-115e9bfd4a0g", false },
    { "2dc27766-f623-4200-9d64 115e9bfd4a08", false },
    { "2dc2776-6f623-4200-9d64-115e9bfd4a08", false },
    { "2dc27766-f623-4200-9d64-115e9bfd4a0", false },
    { "-2dc2776-f623-4200-9d64-115e9bfd4a08", false },
    { "0x2dc277-f623-4200-9d64-115e9bfd4a08", false },
};

START_TEST(guid_parse_takes_both_cases_and_nothing_else)
{
    const char *text = guid_texts[_i].text;
    size_t len = strlen(text);
    char *exact = (char *)unit_exact(text, len);
    Guid guid = { { 0xee } };
    Guid want = guid;

    if (guid_texts[_i].ok) {
        want = constant;
    }
    ck_assert_int_eq(guid_parse(exact, len, &guid), guid_texts[_i].ok);
    ck_assert(guid_equal(&guid, &want));
    free(exact);
}
END_TEST

START_TEST(guid_random_is_version_4)
{
    GRand *rand = g_rand_new_with_seed(unit_seed("guid_random"));

    for (unsigned i = 0; i < 1000; i++) {
        uint8_t random[GUID_LEN];
        char text[GUID_TEXT_LEN + 1];
        Guid guid, again;

        unit_fill(rand, random, i ? sizeof(random) : 0);
        if (!i) {
            memset(random, 0, sizeof(random));
        }
        guid = guid_from_random(random);
        ck_assert(!guid_is_zero(&guid));
        guid_format(&guid, text);
        ck_assert_int_eq(text[14], '4');
        ck_assert(strchr("89ab", text[19]));
        ck_assert(guid_parse(text, GUID_TEXT_LEN, &again));
        ck_assert(guid_equal(&guid, &again));
    }
    g_rand_free(rand);
}
END_TEST

START_TEST(guid_zero_is_only_all_zero)
{
    Guid guid = { { 0 } };

    ck_assert(guid_is_zero(&guid));
    for (unsigned bit = 0; bit < 8 * GUID_LEN; bit++) {
        guid = (Guid) { { 0 } };
        guid.bytes[bit / 8] = 1 << bit % 8;
        ck_assert(!guid_is_zero(&guid));
    }
}
END_TEST

/* Pairs of UTF-8 and the same text in UTF-16LE. */
static const struct {
    const char *utf8;
    const char *utf16;
    size_t len;
} texts[] = {
    { "", "", 0 },
    { "a", "a\0", 2 },
    { "..\\d\\p.vhdx", ".\0.\0\\\0d\0\\\0p\0.\0v\0h\0d\0x\0", 22 },
    { "\x7f\xc2\x80", "\x7f\0\x80\0", 4 },
    { "\xdf\xbf\xe0\xa0\x80", "\xff\x07\x00\x08", 4 },
    { "\xed\x9f\xbf\xee\x80\x80", "\xff\xd7\x00\xe0", 4 },
    { "\xef\xbf\xbf", "\xff\xff", 2 },
    { "\xf0\x90\x80\x80", "\x00\xd8\x00\xdc", 4 },
    { "\xf4\x8f\xbf\xbf", "\xff\xdb\xff\xdf", 4 },
    { "x\xf0\x9f\x92\xbey", "x\0\x3d\xd8\xbe\xdcy\0", 8 },
};

START_TEST(utf16_both_ways)
{
    uint8_t *exact = unit_exact(texts[_i].utf16, texts[_i].len);
    size_t len = 99, bad_at = 99;
    g_autofree char *utf8 = utf16le_to_utf8(exact, texts[_i].len, &bad_at);
    g_autofree uint8_t *utf16 = utf16le_from_utf8(texts[_i].utf8, &len,
                                                  &bad_at);

    ck_assert_ptr_nonnull(utf8);
    ck_assert_str_eq(utf8, texts[_i].utf8);
    ck_assert_ptr_nonnull(utf16);
    ck_assert_uint_eq(len, texts[_i].len);
    ck_assert(!memcmp(utf16, texts[_i].utf16, len));
    free(exact);
}
END_TEST

static const struct {
    const char *utf16;
    size_t len;
    size_t bad_at;
} bad_utf16[] = {
    { "a", 1, 0 },                          /* odd */
    { "a\0b", 3, 2 },
    { "\0\0", 2, 0 },                       /* U+0000 */
    { "a\0\0\0b\0", 6, 2 },
    { "\x00\xd8", 2, 0 },                   /* half a pair at the end */
    { "a\0\x00\xd8\x00", 5, 2 },
    { "\x00\xd8" "a\0", 4, 0 },
    { "\x00\xd8\x00\xd8\x00\xdc", 6, 0 },
    { "\x00\xdc\x00\xd8", 4, 0 },           /* low first */
    { "a\0\xff\xdf", 4, 2 },
};

START_TEST(utf16_bad_is_refused_with_its_place)
{
    uint8_t *exact = unit_exact(bad_utf16[_i].utf16, bad_utf16[_i].len);
    size_t bad_at = 99;

    ck_assert_ptr_null(utf16le_to_utf8(exact, bad_utf16[_i].len, &bad_at));
    ck_assert_uint_eq(bad_at, bad_utf16[_i].bad_at);
    ck_assert_ptr_null(utf16le_to_utf8(exact, bad_utf16[_i].len, NULL));
    free(exact);
}
END_TEST

static const struct {
    const char *utf8;
    size_t bad_at;
} bad_utf8[] = {
    { "\x80", 0 },
    { "a\xc3", 1 },
    { "ab\xc0\x80", 2 },                    /* overlong */
    { "\xe0\x80\xaf", 0 },
    { "a\xed\xa0\x80", 1 },                 /* a surrogate */
    { "\xf4\x90\x80\x80", 0 },              /* past U+10FFFF */
    { "\xff", 0 },
};

START_TEST(utf8_bad_is_refused_with_its_place)
{
    size_t len = 0, bad_at = 99;

    ck_assert_ptr_null(utf16le_from_utf8(bad_utf8[_i].utf8, &len, &bad_at));
    ck_assert_uint_eq(bad_at, bad_utf8[_i].bad_at);
    ck_assert_ptr_null(utf16le_from_utf8(bad_utf8[_i].utf8, &len, NULL));
}
END_TEST

START_TEST(utf16_of_garbage_is_refused_or_comes_back)
{
    GRand *rand = g_rand_new_with_seed(unit_seed("utf16_garbage"));
    unsigned good = 0;

    for (unsigned i = 0; i < 20000; i++) {
        uint8_t random[12];
        size_t len = g_rand_int_range(rand, 0, sizeof(random) + 1);
        size_t back_len;
        uint8_t *exact;
        g_autofree char *utf8 = NULL;

        unit_fill(rand, random, len);
        exact = unit_exact(random, len);
        utf8 = utf16le_to_utf8(exact, len, NULL);
        if (utf8) {
            g_autofree uint8_t *back = utf16le_from_utf8(utf8, &back_len,
                                                         NULL);

            good++;
            ck_assert_ptr_nonnull(back);
            ck_assert_uint_eq(back_len, len);
            ck_assert(!memcmp(back, random, len));
        }
        free(exact);
    }
    ck_assert_uint_gt(good, 1000);
    g_rand_free(rand);
}
END_TEST

START_TEST(crc32c_is_the_known_one)
{
    /* Check value of CRC-32C, and QEMU's way to go on after a part. */
    const uint8_t *digits = (const uint8_t *)"123456789";
    uint32_t part = crc32c(UINT32_MAX, digits, 4);

    ck_assert_uint_eq(crc32c(UINT32_MAX, digits, 9), 0xe3069283);
    ck_assert_uint_eq(crc32c(~part, digits + 4, 5), 0xe3069283);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("util-text");
    TCase *tc = unit_case(suite, "guid");

    tcase_add_test(tc, guid_fields_are_stored_little_endian);
    tcase_add_test(tc, guid_text_is_lower_case);
    tcase_add_loop_test(tc, guid_parse_takes_both_cases_and_nothing_else, 0,
                        ARRAY_SIZE(guid_texts));
    tcase_add_test(tc, guid_random_is_version_4);
    tcase_add_test(tc, guid_zero_is_only_all_zero);
    tc = unit_case(suite, "utf16");
    tcase_add_loop_test(tc, utf16_both_ways, 0, ARRAY_SIZE(texts));
    tcase_add_loop_test(tc, utf16_bad_is_refused_with_its_place, 0,
                        ARRAY_SIZE(bad_utf16));
    tcase_add_loop_test(tc, utf8_bad_is_refused_with_its_place, 0,
                        ARRAY_SIZE(bad_utf8));
    tcase_add_test(tc, utf16_of_garbage_is_refused_or_comes_back);
    tc = unit_case(suite, "crc32c");
    tcase_add_test(tc, crc32c_is_the_known_one);
    return unit_run(suite);
}
