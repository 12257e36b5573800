/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the unit tests share: the main program of a Check suite, a seed that
 * can be given again, and buffers that end exactly where their data ends,
 * so that AddressSanitizer sees a read or write of one byte too many.
 */

#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <check.h>

/* Run @suite; the exit status of the program. */
static inline int unit_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* A case of its own name with the tests added to it by the caller. */
static inline TCase *unit_case(Suite *suite, const char *name)
{
    TCase *tc = tcase_create(name);

    /* Sanitizers on a loaded machine; no test is judged by the clock. */
    tcase_set_timeout(tc, 300);
    suite_add_tcase(suite, tc);
    return tc;
}

/* The seed of a random test, from VSCSI_SEED or new; it is printed. */
static inline uint32_t unit_seed(const char *test)
{
    const char *given = g_getenv("VSCSI_SEED");
    uint32_t seed = given ? (uint32_t)g_ascii_strtoull(given, NULL, 0)
                          : g_random_int();

    printf("%s: VSCSI_SEED=%" PRIu32 "\n", test, seed);
    fflush(stdout);
    return seed;
}

/* A copy of @len bytes in a heap block of that size; free() it. */
static inline uint8_t *unit_exact(const void *data, size_t len)
{
    uint8_t *copy = malloc(len);

    ck_assert(copy || !len);
    if (len) {
        memcpy(copy, data, len);
    }
    return copy;
}

static inline void unit_fill(GRand *rand, uint8_t *buf, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        buf[i] = g_rand_int(rand);
    }
}

#define ck_assert_sense(sense, want)                                    \
    ck_assert_msg(vscsi_sense_code(&(sense)) == (uint32_t)(want),       \
                  "sense %06x, expected %06x",                          \
                  vscsi_sense_code(&(sense)), (uint32_t)(want))

/* 0 for success, else the code; a refusal has to say why. */
#define unit_code(ok, sense)                                            \
    ((ok) ? 0 : vscsi_sense_code(&(sense)) ? vscsi_sense_code(&(sense)) \
                                           : UINT32_MAX)

/* A refusal with @want that points at byte @at, of the CDB if @cdb. */
#define ck_assert_field(sense, want, cdb, at)                           \
    do {                                                                \
        ck_assert_sense(sense, want);                                   \
        ck_assert((sense).has_field_pointer);                           \
        ck_assert_int_eq((sense).field_in_cdb, cdb);                    \
        ck_assert_uint_eq((sense).field_pointer, at);                   \
    } while (0)

/*
 * Call an encoder, @call(buf, size) with these names, for every size up to
 * a byte more than @full bytes long structure needs: it returns the full
 * length, writes a prefix and nothing beyond it.
 */
#define UNIT_SWEEP_ENCODER(full, full_len, call)                        \
    do {                                                                \
        for (size_t size = 0; size <= (full_len) + 1; size++) {         \
            uint8_t *buf = malloc(size);                                \
            ck_assert_uint_eq(call, full_len);                          \
            ck_assert(!memcmp(buf, full, MIN(size, full_len)));         \
            free(buf);                                                  \
        }                                                               \
    } while (0)

#endif /* TESTS_UNIT_UNIT_H */
