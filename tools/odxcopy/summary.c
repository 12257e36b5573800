/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "summary.h"

typedef unsigned long long ull;

void odx_summary_text(FILE *out, const OdxSummary *s)
{
    char size[32], rate[32];

    fprintf(out, "%s %llu bytes (%s) in %llu.%03llu s, %s/s, %llu token%s, "
            "%llu WRITE USING TOKEN command%s%s\n",
            s->zero ? "zeroed" : "copied", (ull)s->stats.bytes,
            odx_human(size, s->stats.bytes), (ull)(s->ms / 1000),
            (ull)(s->ms % 1000),
            odx_human(rate, odx_rate(s->stats.bytes, s->ms)),
            (ull)s->stats.tokens, s->stats.tokens == 1 ? "" : "s",
            (ull)s->writes, s->writes == 1 ? "" : "s",
            s->verified ? ", verified" : "");
    if (s->stats.recreated) {
        fprintf(out, "%llu token%s ended before the copy did and %s made "
                "again: the copy is not of one point in time\n",
                (ull)s->stats.recreated, s->stats.recreated == 1 ? "" : "s",
                s->stats.recreated == 1 ? "was" : "were");
    }
}

/* A JSON string; what is not plain ASCII is escaped byte by byte. */
static void put_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\') {
            fprintf(out, "\\%c", *p);
        } else if (*p < 0x20 || *p >= 0x7f) {
            fprintf(out, "\\u%04x", *p);
        } else {
            fputc(*p, out);
        }
    }
    fputc('"', out);
}

static const char *result_name(OdxExit code)
{
    static const char *const names[] = {
        [ODX_OK] = "ok",
        [ODX_USAGE] = "usage",
        [ODX_CANNOT] = "cannot",
        [ODX_FAILED] = "failed",
        [ODX_DIFFERS] = "differs",
        [ODX_IO] = "io",
        [ODX_INTERRUPTED] = "interrupted",
        [ODX_UNSAFE] = "unsafe",
    };

    return names[code];
}

void odx_summary_json(FILE *out, const OdxSummary *s)
{
    fprintf(out, "{\"result\": \"%s\", \"exit\": %d, \"bytes\": %llu, "
            "\"requested\": %llu, \"milliseconds\": %llu, "
            "\"bytes_per_second\": %llu, \"tokens\": %llu, "
            "\"tokens_recreated\": %llu, \"wut_commands\": %llu, "
            "\"rrti_commands\": %llu, \"partial_transfers\": %llu, "
            "\"one_point_in_time\": %s, \"verified\": %s, \"message\": ",
            result_name(s->code), s->code, (ull)s->stats.bytes,
            (ull)s->requested, (ull)s->ms,
            (ull)odx_rate(s->stats.bytes, s->ms), (ull)s->stats.tokens,
            (ull)s->stats.recreated, (ull)s->writes, (ull)s->polls,
            (ull)s->stats.partial,
            s->stats.tokens <= 1 ? "true" : "false",
            s->verified ? "true" : "false");
    put_string(out, s->message);
    fprintf(out, "}\n");
}
