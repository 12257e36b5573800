/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the libFuzzer programs share.  A program takes its input as one
 * structure of the format, mends checksums, so that the fuzzer gets behind
 * them, and asserts what the decoder's header promises.
 */

#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "block/vhdx/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that must hold; unlike assert(), in every kind of build. */
#define fuzz_assert(x)                                              \
    do {                                                            \
        if (!(x)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); \
            abort();                                                \
        }                                                           \
    } while (0)

/* @size bytes of @data, with zeros behind them up to @len; g_free() it. */
static inline uint8_t *fuzz_padded(const uint8_t *data, size_t size,
                                   size_t len)
{
    uint8_t *buf = g_malloc0(len);

    memcpy(buf, data, MIN(size, len));
    return buf;
}

/* A refusal says what is wrong, and that makes a text. */
static inline void fuzz_refused(const VhdxError *err)
{
    g_autofree char *text = NULL;

    fuzz_assert(err->code != VHDX_ERR_NONE);
    text = vhdx_error_text(err);
    fuzz_assert(strlen(text) > 20);
}

/* The next @bytes (at most 8) of the input, little-endian; 0 at its end. */
static inline uint64_t fuzz_take(const uint8_t **data, size_t *size,
                                 unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes && *size; i++) {
        value |= (uint64_t)*(*data)++ << 8 * i;
        --*size;
    }
    return value;
}

#endif /* TESTS_FUZZ_FUZZ_H */
