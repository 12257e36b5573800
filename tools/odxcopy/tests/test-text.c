/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Progress and summary. */
#include <stdlib.h>
#include <string.h>

#include "progress.h"
#include "summary.h"
#include "support.h"

START_TEST(sizes_are_readable)
{
    char buf[32];

    ck_assert_str_eq(odx_human(buf, 0), "0 B");
    ck_assert_str_eq(odx_human(buf, 1023), "1023 B");
    ck_assert_str_eq(odx_human(buf, 1536), "1.5 KiB");
    ck_assert_str_eq(odx_human(buf, 1ull << 30), "1.0 GiB");
    ck_assert_str_eq(odx_human(buf, UINT64_MAX), "16.0 EiB");
}
END_TEST

START_TEST(a_rate_over_no_time_is_finite)
{
    ck_assert_uint_eq(odx_rate(1000, 0), 1000000);
    ck_assert_uint_eq(odx_rate(1000, 2000), 500);
}
END_TEST

START_TEST(lines_come_once_a_second_where_there_is_no_terminal)
{
    OdxProgress p;
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    odx_progress_start(&p, f, false, "copy", 100 << 20, 5000);
    odx_progress_update(&p, 10 << 20, 5999);
    odx_progress_update(&p, 20 << 20, 6000);
    odx_progress_update(&p, 30 << 20, 6001);
    odx_progress_update(&p, 50 << 20, 7000);
    odx_progress_end(&p, 100 << 20, 7001);
    fclose(f);
    ck_assert_str_eq(text,
        "copy: 20%, 20.0 MiB of 100.0 MiB, 20.0 MiB/s, ETA 0:04\n"
        "copy: 50%, 50.0 MiB of 100.0 MiB, 25.0 MiB/s, ETA 0:02\n");
    free(text);
}
END_TEST

START_TEST(a_terminal_gets_a_bar_that_is_drawn_over)
{
    OdxProgress p;
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    odx_progress_start(&p, f, true, "copy", 1000, 0);
    odx_progress_update(&p, 500, 99);
    odx_progress_update(&p, 500, 100);
    odx_progress_end(&p, 1000, 150);
    fclose(f);
    ck_assert_ptr_nonnull(strstr(text, "\rcopy  50% [============"));
    ck_assert_ptr_nonnull(strstr(text, "\rcopy 100% [======================="
                                 "=] 1000 B"));
    ck_assert_int_eq(text[strlen(text) - 1], '\n');
    free(text);
}
END_TEST

START_TEST(progress_that_is_off_writes_nothing)
{
    OdxProgress p;

    odx_progress_start(&p, NULL, true, "copy", 1000, 0);
    odx_progress_update(&p, 500, 5000);
    odx_progress_end(&p, 1000, 6000);
    ck_assert(!p.drawn);
}
END_TEST

START_TEST(the_summary_counts_tokens_and_commands)
{
    OdxSummary s = {
        .ms = 1250, .writes = 16, .verified = true,
        .stats = { .bytes = 1 << 30, .tokens = 2, .recreated = 1 },
    };
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    odx_summary_text(f, &s);
    fclose(f);
    ck_assert_str_eq(text,
        "copied 1073741824 bytes (1.0 GiB) in 1.250 s, 819.2 MiB/s, "
        "2 tokens, 16 WRITE USING TOKEN commands, verified\n"
        "1 token ended before the copy did and was made again: the copy is "
        "not of one point in time\n");
    free(text);
}
END_TEST

START_TEST(json_escapes_what_is_in_a_name)
{
    OdxSummary s = { .code = ODX_IO, .message = "a \"b\" \\\n\xc3\xa9" };
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    odx_summary_json(f, &s);
    fclose(f);
    ck_assert_ptr_nonnull(strstr(text,
        "\"message\": \"a \\\"b\\\" \\\\\\u000a\\u00c3\\u00a9\"}\n"));
    ck_assert_ptr_nonnull(strstr(text, "{\"result\": \"io\", \"exit\": 5,"));
    free(text);
}
END_TEST

Suite *suite_text(void)
{
    Suite *s = suite_create("text");
    TCase *c = tcase_create("text");

    tcase_add_test(c, sizes_are_readable);
    tcase_add_test(c, a_rate_over_no_time_is_finite);
    tcase_add_test(c, lines_come_once_a_second_where_there_is_no_terminal);
    tcase_add_test(c, a_terminal_gets_a_bar_that_is_drawn_over);
    tcase_add_test(c, progress_that_is_off_writes_nothing);
    tcase_add_test(c, the_summary_counts_tokens_and_commands);
    tcase_add_test(c, json_escapes_what_is_in_a_name);
    suite_add_tcase(s, c);
    return s;
}
