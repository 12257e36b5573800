/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * QemuMutex over a pthread mutex.  It is of the error-checking kind:
 * locking twice or unlocking a mutex of another thread fails the test.
 */

#ifndef SHIM_QEMU_THREAD_H
#define SHIM_QEMU_THREAD_H

#include <pthread.h>

typedef struct QemuMutex {
    pthread_mutex_t lock;
} QemuMutex;

static inline void shim_thread_check(int rc, const char *what)
{
    if (rc) {
        fprintf(stderr, "%s: %s\n", what, strerror(rc));
        abort();
    }
}

static inline void qemu_mutex_init(QemuMutex *mutex)
{
    pthread_mutexattr_t attr;

    shim_thread_check(pthread_mutexattr_init(&attr), "mutexattr_init");
    shim_thread_check(pthread_mutexattr_settype(&attr,
                                                PTHREAD_MUTEX_ERRORCHECK),
                      "mutexattr_settype");
    shim_thread_check(pthread_mutex_init(&mutex->lock, &attr), "mutex_init");
    pthread_mutexattr_destroy(&attr);
}

static inline void qemu_mutex_destroy(QemuMutex *mutex)
{
    shim_thread_check(pthread_mutex_destroy(&mutex->lock), "mutex_destroy");
}

static inline void qemu_mutex_lock(QemuMutex *mutex)
{
    shim_thread_check(pthread_mutex_lock(&mutex->lock), "mutex_lock");
}

static inline int qemu_mutex_trylock(QemuMutex *mutex)
{
    int rc = pthread_mutex_trylock(&mutex->lock);

    return rc ? -EBUSY : 0;
}

static inline void qemu_mutex_unlock(QemuMutex *mutex)
{
    shim_thread_check(pthread_mutex_unlock(&mutex->lock), "mutex_unlock");
}

#endif /* SHIM_QEMU_THREAD_H */
