/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Big endian fields, and arithmetic that does not wrap. */
#ifndef ODXCOPY_BYTES_H
#define ODXCOPY_BYTES_H

#include <stdint.h>

static inline uint16_t odx_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t odx_get32(const uint8_t *p)
{
    return (uint32_t)odx_get16(p) << 16 | odx_get16(p + 2);
}

static inline uint64_t odx_get64(const uint8_t *p)
{
    return (uint64_t)odx_get32(p) << 32 | odx_get32(p + 4);
}

static inline void odx_put16(uint8_t *p, uint16_t v)
{
    p[0] = v >> 8;
    p[1] = v & 0xff;
}

static inline void odx_put32(uint8_t *p, uint32_t v)
{
    odx_put16(p, v >> 16);
    odx_put16(p + 2, v & 0xffff);
}

static inline void odx_put64(uint8_t *p, uint64_t v)
{
    odx_put32(p, v >> 32);
    odx_put32(p + 4, v & 0xffffffff);
}

static inline uint64_t odx_min64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* a * b, or UINT64_MAX where that would wrap. */
static inline uint64_t odx_mul_sat(uint64_t a, uint64_t b)
{
    uint64_t r;

    return __builtin_mul_overflow(a, b, &r) ? UINT64_MAX : r;
}

/* The smaller of @bound and @limit, where a limit of 0 means "none". */
static inline uint64_t odx_bound(uint64_t bound, uint64_t limit)
{
    return limit && limit < bound ? limit : bound;
}

#endif
