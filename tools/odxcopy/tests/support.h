/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of odxcopy share. */
#ifndef ODXCOPY_SUPPORT_H
#define ODXCOPY_SUPPORT_H

#include <check.h>

#include "sim.h"

typedef struct Result {
    int code;
    char *out, *err;        /* what the program printed */
} Result;

/* Runs "odxcopy @args" (parted at blanks) against @sim. */
Result run(Sim *sim, const char *args);
Result run_on_terminal(Sim *sim, const char *args);
void result_free(Result *r);

/* Runs, and fails the test unless the program ends with @code. */
void run_expect(Sim *sim, int code, const char *args);
/* The same, and @text must be in what went to standard error. */
void run_expect_text(Sim *sim, int code, const char *args,
                     const char *text);

/*
 * The destination holds source bytes [@src, @src + @length) at @dst and its
 * own old bytes everywhere else.
 */
void expect_copied(const Sim *sim, uint64_t src, uint64_t dst,
                   uint64_t length);
void expect_zeroed(const Sim *sim, uint64_t dst, uint64_t length);
void expect_untouched(const Sim *sim);

/* The linker leads ioctl() here; test-sg.c plays the kernel. */
int __wrap_ioctl(int fd, unsigned long request, ...);

Suite *suite_around(void);
Suite *suite_cli(void);
Suite *suite_copy(void);
Suite *suite_device(void);
Suite *suite_explain(void);
Suite *suite_hostile(void);
Suite *suite_immed(void);
Suite *suite_plan(void);
Suite *suite_sg(void);
Suite *suite_text(void);
Suite *suite_wire(void);

#endif
