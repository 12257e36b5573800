/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Unaligned big and little endian access under QEMU's names.  QEMU's own
 * versions take void pointers and return int for the small sizes; these
 * do the same, so that a program that compiles here compiles there.
 */

#ifndef SHIM_QEMU_BSWAP_H
#define SHIM_QEMU_BSWAP_H

static inline uint64_t shim_load(const void *ptr, int bytes, bool big)
{
    const uint8_t *p = ptr;
    uint64_t value = 0;

    for (int i = 0; i < bytes; i++) {
        value = value << 8 | p[big ? i : bytes - 1 - i];
    }
    return value;
}

static inline void shim_store(void *ptr, int bytes, bool big, uint64_t value)
{
    uint8_t *p = ptr;

    for (int i = 0; i < bytes; i++) {
        p[big ? bytes - 1 - i : i] = value;
        value >>= 8;
    }
}

static inline int ldub_p(const void *ptr)
{
    return *(const uint8_t *)ptr;
}

static inline void stb_p(void *ptr, uint8_t v)
{
    *(uint8_t *)ptr = v;
}

#define SHIM_ENDIAN(endian, big)                                    \
    static inline int lduw_##endian##_p(const void *ptr)            \
    {                                                               \
        return (uint16_t)shim_load(ptr, 2, big);                    \
    }                                                               \
    static inline int ldl_##endian##_p(const void *ptr)             \
    {                                                               \
        return (int32_t)shim_load(ptr, 4, big);                     \
    }                                                               \
    static inline uint64_t ldq_##endian##_p(const void *ptr)        \
    {                                                               \
        return shim_load(ptr, 8, big);                              \
    }                                                               \
    static inline void stw_##endian##_p(void *ptr, uint16_t v)      \
    {                                                               \
        shim_store(ptr, 2, big, v);                                 \
    }                                                               \
    static inline void stl_##endian##_p(void *ptr, uint32_t v)      \
    {                                                               \
        shim_store(ptr, 4, big, v);                                 \
    }                                                               \
    static inline void stq_##endian##_p(void *ptr, uint64_t v)      \
    {                                                               \
        shim_store(ptr, 8, big, v);                                 \
    }

SHIM_ENDIAN(be, true)
SHIM_ENDIAN(le, false)

#undef SHIM_ENDIAN

#endif /* SHIM_QEMU_BSWAP_H */
