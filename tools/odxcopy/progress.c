/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "bytes.h"
#include "progress.h"

#define BAR 24
#define TERMINAL_STEP_MS 100
#define LINE_STEP_MS 1000

const char *odx_human(char buf[32], uint64_t bytes)
{
    static const char *const units[] = {
        "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"
    };
    unsigned i = 0;
    double value = (double)bytes;

    while (value >= 1024 && i + 1 < sizeof(units) / sizeof(units[0])) {
        value /= 1024;
        i++;
    }
    snprintf(buf, 32, i ? "%.1f %s" : "%.0f %s", value, units[i]);
    return buf;
}

uint64_t odx_rate(uint64_t bytes, uint64_t ms)
{
    return (uint64_t)((double)bytes * 1000.0 / (double)(ms ? ms : 1));
}

static void put_eta(char buf[32], uint64_t left, uint64_t rate)
{
    uint64_t s = rate ? left / rate : 0;

    if (!rate || s >= 360000) {
        snprintf(buf, 32, "-:--");
    } else if (s >= 3600) {
        snprintf(buf, 32, "%u:%02u:%02u", (unsigned)(s / 3600),
                 (unsigned)(s / 60 % 60), (unsigned)(s % 60));
    } else {
        snprintf(buf, 32, "%u:%02u", (unsigned)(s / 60), (unsigned)(s % 60));
    }
}

static void draw(OdxProgress *p, uint64_t done, uint64_t now_ms)
{
    char a[32], b[32], c[32], eta[32], bar[BAR + 1];
    uint64_t rate = odx_rate(done, now_ms - p->start_ms);
    unsigned percent, filled;

    done = odx_min64(done, p->total);
    percent = p->total ? (unsigned)((double)done * 100 / (double)p->total) :
              100;
    filled = percent * BAR / 100;
    memset(bar, ' ', BAR);
    memset(bar, '=', filled);
    bar[BAR] = '\0';
    put_eta(eta, p->total - done, rate);
    odx_human(a, done);
    odx_human(b, p->total);
    odx_human(c, rate);
    if (p->terminal) {
        fprintf(p->out, "\r%s %3u%% [%s] %s, %s/s, ETA %s\033[K", p->label,
                percent, bar, a, c, eta);
    } else {
        fprintf(p->out, "%s: %u%%, %s of %s, %s/s, ETA %s\n", p->label,
                percent, a, b, c, eta);
    }
    fflush(p->out);
    p->drawn = true;
    p->drawn_ms = now_ms;
}

void odx_progress_start(OdxProgress *p, FILE *out, bool terminal,
                        const char *label, uint64_t total, uint64_t now_ms)
{
    memset(p, 0, sizeof(*p));
    p->out = out;
    p->terminal = terminal;
    p->label = label;
    p->total = total;
    p->start_ms = now_ms;
    p->drawn_ms = now_ms;
}

void odx_progress_update(OdxProgress *p, uint64_t done, uint64_t now_ms)
{
    uint64_t step = p->terminal ? TERMINAL_STEP_MS : LINE_STEP_MS;

    if (p->out && now_ms - p->drawn_ms >= step) {
        draw(p, done, now_ms);
    }
}

void odx_progress_end(OdxProgress *p, uint64_t done, uint64_t now_ms)
{
    if (p->out && p->terminal) {
        draw(p, done, now_ms);
        fputc('\n', p->out);
        fflush(p->out);
    }
}
