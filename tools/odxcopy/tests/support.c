/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"
#include "support.h"

#define MAX_ARGS 24

static Result run_with(Sim *sim, const char *args, bool terminal)
{
    Result r = { 0 };
    size_t out_size, err_size;
    FILE *out = open_memstream(&r.out, &out_size);
    FILE *err = open_memstream(&r.err, &err_size);
    char *copy = strdup(args), *save = NULL;
    char *argv[MAX_ARGS + 1] = { (char *)"odxcopy" };
    int argc = 1;

    for (char *p = strtok_r(copy, " ", &save); p;
         p = strtok_r(NULL, " ", &save)) {
        ck_assert_int_lt(argc, MAX_ARGS);
        argv[argc++] = p;
    }
    r.code = odx_run(&sim->transport, argc, argv, out, err, terminal);
    fclose(out);
    fclose(err);
    free(copy);
    return r;
}

Result run(Sim *sim, const char *args)
{
    return run_with(sim, args, false);
}

Result run_on_terminal(Sim *sim, const char *args)
{
    return run_with(sim, args, true);
}

void result_free(Result *r)
{
    free(r->out);
    free(r->err);
}

void run_expect_text(Sim *sim, int code, const char *args, const char *text)
{
    Result r = run(sim, args);

    ck_assert_msg(r.code == code, "\"%s\" ended with %d, not %d: %s%s", args,
                  r.code, code, r.out, r.err);
    ck_assert_msg(strstr(r.err, text) != NULL, "\"%s\" said \"%s\", which "
                  "lacks \"%s\"", args, r.err, text);
    result_free(&r);
}

void run_expect(Sim *sim, int code, const char *args)
{
    run_expect_text(sim, code, args, "");
}

static void expect_bytes(const Sim *sim, uint64_t dst, uint64_t length,
                         bool zero, uint64_t src)
{
    const SimDisk *d = &sim->disks[1];

    for (uint64_t at = 0; at < d->blocks * d->block_length; at++) {
        uint8_t want = sim_pattern(1, at);

        if (at >= dst && at - dst < length) {
            want = zero ? 0 : sim_pattern(0, src + at - dst);
        }
        /* Check remembers every assertion: none for each byte */
        if (d->data[at] != want) {
            ck_abort_msg("destination byte %llu is %02x, not %02x",
                         (unsigned long long)at, d->data[at], want);
        }
    }
}

void expect_copied(const Sim *sim, uint64_t src, uint64_t dst,
                   uint64_t length)
{
    expect_bytes(sim, dst, length, false, src);
}

void expect_zeroed(const Sim *sim, uint64_t dst, uint64_t length)
{
    expect_bytes(sim, dst, length, true, 0);
}

void expect_untouched(const Sim *sim)
{
    expect_bytes(sim, 0, 0, false, 0);
}
