/*
 * Monitor events: VSCSI_TOKEN_REVOKED and VSCSI_OFFLOAD_FALLBACK
 *
 * Both can happen thousands of times in a second, in any thread, so that what
 * is sent is limited to one event of a kind for each LUN in a second:
 *
 *            happens                  second over, or LUN goes away
 *   QUIET ------------> sent at once ------------------------------> QUIET
 *                         |                        ^
 *                         | happens: kept, counted | sent, with the count
 *                         v                        |
 *                       HELD ----------------------'
 *
 * The newest one is kept and the others are counted: none that was the last is
 * ever lost, and the sum of 1 + suppressed over all events is exact.  Who
 * reports does not wait: events are sent by the main thread.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VSCSI_EVENTS_H
#define VSCSI_EVENTS_H

#include "block/offload.h"
#include "hw/vscsi/token-store.h"

typedef struct VscsiCopyManager VscsiCopyManager;

typedef struct VscsiEventGate {
    bool held;
    uint64_t count;             /* that the held one stands for, itself too */
    int64_t not_before_ms;      /* when the next may be sent */
} VscsiEventGate;

/* Of a LUN; under vscsi_copy_lock, not_before_ms in the main thread */
typedef struct VscsiLunEvents {
    struct {
        VscsiEventGate gate;
        uint64_t id;
        uint64_t bytes;
        VscsiTokenStatus cause;
    } token;
    struct {
        VscsiEventGate gate;
        uint64_t src_key;       /* source LUN; 0: none */
        OffloadReason reason;
        int error;
    } fallback;
} VscsiLunEvents;

/* Once, before the first LUN; main thread */
void vscsi_events_init(void);

/*
 * A token has ended.  Only some causes make an event: those by which a token
 * ends that its user still counts on.  Any thread, vscsi_copy_lock not held.
 */
void vscsi_event_token_ended(const VscsiTokenInfo *info,
                             VscsiTokenStatus cause);

/*
 * A copy from the LUN with @src_key (0: of zeroes) to @dst could not be
 * offloaded; @error is 0 or a negative errno.  Any thread, lock not held.
 */
void vscsi_event_fallback(VscsiCopyManager *dst, uint64_t src_key,
                          OffloadReason reason, int error);

/* The same of a host-side copy, sent at once; main thread */
void vscsi_event_job_fallback(const char *job, const char *source,
                              const char *target, OffloadReason reason,
                              int error);

/* Send what is held of a LUN that goes away; main thread */
void vscsi_events_flush(VscsiCopyManager *cm);

#endif /* VSCSI_EVENTS_H */
