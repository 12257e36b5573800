/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the unit tests of the VHDX format share.
 */

#ifndef TESTS_UNIT_VHDX_FIXTURE_H
#define TESTS_UNIT_VHDX_FIXTURE_H

#include "block/vhdx/format.h"

/* 0 or VHDX_ERR_NONE for success, else the code; a refusal has one. */
static inline int vhdx_result(bool ok, const VhdxError *err)
{
    if (ok) {
        return VHDX_ERR_NONE;
    }
    ck_assert_int_ne(err->code, VHDX_ERR_NONE);
    ck_assert_int_lt(err->code, VHDX_ERR_MAX);
    return err->code;
}

/*
 * A refusal is of code @want, names a structure, and its text has the name,
 * the offset, and the value if @want has one.
 */
static inline void vhdx_assert_refused(const char *what, bool ok,
                                       const VhdxError *err, int want,
                                       uint64_t offset)
{
    g_autofree char *text = NULL;
    g_autofree char *where = NULL;

    ck_assert_msg(!ok, "%s: accepted", what);
    text = vhdx_error_text(err);
    where = g_strdup_printf("at offset 0x%" PRIx64 " of the file", offset);
    ck_assert_msg(err->code == (VhdxErrorCode)want, "%s: code %d, not %d: %s",
                  what, err->code, want, text);
    ck_assert_msg(err->structure && strstr(text, err->structure),
                  "%s: no structure: %s", what, text);
    ck_assert_msg(strstr(text, where) != NULL, "%s: not \"%s\": %s", what,
                  where, text);
}

/* A GUID that is different for each @n, never zero. */
static inline Guid vhdx_test_guid(uint32_t n)
{
    Guid guid;

    for (unsigned i = 0; i < GUID_LEN; i++) {
        guid.bytes[i] = n >> (i % 4 * 8) ^ (i * 37 + 1);
    }
    return guid;
}

static inline void vhdx_assert_guid_eq(const Guid *a, const Guid *b)
{
    char x[GUID_TEXT_LEN + 1], y[GUID_TEXT_LEN + 1];

    guid_format(a, x);
    guid_format(b, y);
    ck_assert_str_eq(x, y);
}

#endif /* TESTS_UNIT_VHDX_FIXTURE_H */
