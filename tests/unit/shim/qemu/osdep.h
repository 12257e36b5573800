/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The few parts of QEMU's osdep.h that the project's pure sources use, so
 * that they compile and can be tested without QEMU.
 */

#ifndef SHIM_QEMU_OSDEP_H
#define SHIM_QEMU_OSDEP_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <glib.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(x) (sizeof(x) / sizeof((x)[0]))
#endif
#ifndef ROUND_UP
#define ROUND_UP(n, d) \
    (((n) + (__typeof__(n))(d) - 1) & -(0 ? (n) : (__typeof__(n))(d)))
#endif
#ifndef DIV_ROUND_UP
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#endif
#ifndef QEMU_IS_ALIGNED
#define QEMU_ALIGN_DOWN(n, m) ((n) / (m) * (m))
#define QEMU_ALIGN_UP(n, m) QEMU_ALIGN_DOWN((n) + (m) - 1, (m))
#define QEMU_IS_ALIGNED(n, m) (((n) % (m)) == 0)
#endif

#define QEMU_BUILD_BUG_ON(x) _Static_assert(!(x), "not expecting: " #x)
#define QEMU_PACKED __attribute__((packed))
#define QEMU_ALIGNED(x) __attribute__((aligned(x)))
#define QEMU_WARN_UNUSED_RESULT __attribute__((warn_unused_result))
#define QEMU_ERROR(x)
#define coroutine_fn
#define coroutine_mixed_fn
#define glue_(x, y) x ## y
#define glue(x, y) glue_(x, y)

#ifndef container_of
#define container_of(ptr, type, member) \
    ((type *)((char *)(ptr) - offsetof(type, member)))
#endif

#endif /* SHIM_QEMU_OSDEP_H */
