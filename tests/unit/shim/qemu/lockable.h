/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Scope-bound locking of a QemuMutex under QEMU's names.
 */

#ifndef SHIM_QEMU_LOCKABLE_H
#define SHIM_QEMU_LOCKABLE_H

#include "qemu/thread.h"

static inline QemuMutex *shim_guard_lock(QemuMutex *mutex)
{
    qemu_mutex_lock(mutex);
    return mutex;
}

static inline void shim_guard_unlock(QemuMutex **mutex)
{
    if (*mutex) {
        qemu_mutex_unlock(*mutex);
    }
}

#define SHIM_GUARD(x) __attribute__((cleanup(shim_guard_unlock), unused)) \
    QemuMutex *x

#define QEMU_LOCK_GUARD(x) \
    SHIM_GUARD(glue(shim_guard_, __COUNTER__)) = shim_guard_lock(x)

#define SHIM_WITH_LOCK_GUARD(x, var)                        \
    for (SHIM_GUARD(var) = shim_guard_lock(x); var;         \
         qemu_mutex_unlock(var), var = NULL)

#define WITH_QEMU_LOCK_GUARD(x) \
    SHIM_WITH_LOCK_GUARD((x), glue(shim_guard_, __COUNTER__))

#endif /* SHIM_QEMU_LOCKABLE_H */
