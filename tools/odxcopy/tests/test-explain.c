/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every refusal that a token copy can meet has words of its own. */
#include <string.h>

#include "explain.h"
#include "support.h"

/* The error table of the standard's facts, one row each. */
static const struct {
    uint8_t key;
    uint16_t asc;
} rows[] = {
    { 0x5, 0x1a00 }, { 0x5, 0x2600 }, { 0x5, 0x2604 }, { 0x5, 0x2606 },
    { 0x5, 0x2607 }, { 0x5, 0x2608 }, { 0x5, 0x2609 }, { 0xa, 0x260a },
    { 0x5, 0x260b }, { 0xa, 0x260d }, { 0x5, 0x2100 }, { 0x5, 0x2000 },
    { 0x5, 0x2300 }, { 0x5, 0x2301 }, { 0x5, 0x2302 }, { 0x5, 0x2303 },
    { 0x5, 0x2304 }, { 0x5, 0x2305 }, { 0x5, 0x2306 }, { 0x5, 0x2307 },
    { 0x5, 0x2308 }, { 0x5, 0x2309 }, { 0x5, 0x230a }, { 0xa, 0x0d00 },
    { 0xa, 0x0d01 }, { 0xa, 0x0d02 }, { 0xa, 0x0d04 }, { 0x5, 0x0d04 },
    { 0xb, 0x0d04 }, { 0x5, 0x0016 }, { 0x5, 0x2400 }, { 0x5, 0x550c },
    { 0x5, 0x550d }, { 0xb, 0x5503 }, { 0x7, 0x2700 }, { 0x7, 0x2707 },
    { 0x6, 0x2900 }, { 0x6, 0x2a09 }, { 0xa, 0x0804 }, { 0xa, 0x2f02 },
    { 0x5, 0x2500 }, { 0x3, 0x1100 }, { 0x3, 0x0c00 }, { 0x2, 0x3a00 },
};

START_TEST(every_row_of_the_error_table_has_a_sentence_of_its_own)
{
    const OdxExplanation *e = odx_explain_find(rows[_i].key, rows[_i].asc);

    ck_assert_msg(e->asc == rows[_i].asc, "sense %X/%04X falls through to "
                  "\"%s\"", rows[_i].key, rows[_i].asc, e->meaning);
    ck_assert_uint_gt(strlen(e->meaning), 15);
    ck_assert_uint_gt(strlen(e->mend), 10);
}
END_TEST

START_TEST(every_sense_at_all_has_some_sentence)
{
    for (unsigned key = 0; key < 16; key++) {
        for (unsigned asc = 0; asc < 0x10000; asc += 7) {
            const OdxExplanation *e = odx_explain_find((uint8_t)key,
                                                       (uint16_t)asc);

            if (!e || !e->meaning || !e->mend) {
                ck_abort_msg("no sentence for %X/%04X", key, asc);
            }
        }
    }
}
END_TEST

START_TEST(every_status_has_a_sentence)
{
    for (unsigned status = 0; status < 256; status++) {
        ck_assert_uint_gt(strlen(odx_explain_status((uint8_t)status)), 20);
    }
}
END_TEST

START_TEST(an_explanation_says_who_what_and_the_mend)
{
    OdxSense sense = { .valid = true, .key = 5, .asc = 0x2306 };
    OdxError err;

    ck_assert_int_eq(odx_explain(&err, ODX_FAILED, "/dev/sdb",
                                 "WRITE USING TOKEN", &sense), -1);
    ck_assert_int_eq(err.code, ODX_FAILED);
    ck_assert_ptr_nonnull(strstr(err.text, "/dev/sdb"));
    ck_assert_ptr_nonnull(strstr(err.text, "WRITE USING TOKEN"));
    ck_assert_ptr_nonnull(strstr(err.text, "revoked"));
    ck_assert_ptr_nonnull(strstr(err.text, "5/23/06"));
    ck_assert_ptr_nonnull(strstr(err.text, "Stop the writers"));
}
END_TEST

START_TEST(no_explanation_is_cut)
{
    char name[256];

    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        OdxSense sense = { .valid = true, .key = rows[i].key,
                           .asc = rows[i].asc };
        OdxError err;

        odx_explain(&err, ODX_FAILED, name, "RECEIVE ROD TOKEN INFORMATION",
                    &sense);
        ck_assert_uint_lt(strlen(err.text), sizeof(err.text) - 1);
        ck_assert_int_eq(err.text[strlen(err.text) - 1], '.');
    }
}
END_TEST

Suite *suite_explain(void)
{
    Suite *s = suite_create("explain");
    TCase *c = tcase_create("explain");

    tcase_add_loop_test(c,
        every_row_of_the_error_table_has_a_sentence_of_its_own, 0,
        sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(c, every_sense_at_all_has_some_sentence);
    tcase_add_test(c, every_status_has_a_sentence);
    tcase_add_test(c, an_explanation_says_who_what_and_the_mend);
    tcase_add_test(c, no_explanation_is_cut);
    suite_add_tcase(s, c);
    return s;
}
