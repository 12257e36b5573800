/*
 * Monitor events: what they say, that they are limited in rate, and that what
 * was held back is told in the end
 *
 * Their clock is the guest's here, which the test turns.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qobject/qnum.h"
#include "harness.h"

#define DISK_SIZE   (16 * MiB)
#define REVOKED     "VSCSI_TOKEN_REVOKED"
#define FALLBACK    "VSCSI_OFFLOAD_FALLBACK"

/* The next event of this kind that has been sent, or NULL; drops others */
static QDict *next_event(VtVm *vm, const char *name)
{
    /* what is sent before the answer has been received with it */
    qtest_qmp_assert_success(vm->qts, "{'execute': 'query-status'}");
    return qtest_qmp_event_ref(vm->qts, name);
}

static void no_event(VtVm *vm, const char *name)
{
    QDict *event = next_event(vm, name);

    g_assert_null(event);
}

static QDict *data(QDict *event)
{
    g_assert_nonnull(event);
    return qdict_get_qdict(event, "data");
}

static uint64_t get_uint(QDict *dict, const char *name)
{
    return qnum_get_uint(qobject_to(QNum, qdict_get(dict, name)));
}

static uint64_t suppressed(QDict *event)
{
    return get_uint(data(event), "suppressed");
}

/* @n tokens of @disk, eight blocks each, in @ids */
static void make_tokens(VtVm *vm, unsigned disk, unsigned n, uint64_t *ids)
{
    for (unsigned i = 0; i < n; i++) {
        uint8_t token[VSCSI_ROD_TOKEN_LEN];

        vt_token(vm, disk, i * 8, 8, token);
        ids[i] = vscsi_rod_token_id(token);
    }
}

static void overwrite(VtVm *vm, unsigned disk, unsigned token)
{
    uint8_t block[512] = {};

    g_assert_cmphex(vt_write(vm, disk, token * 8, 1, block), ==, 0);
}

static void test_token_revoked(void)
{
    VtVm *vm = vt_simple(1, DISK_SIZE);
    uint64_t id;
    QDict *event;

    make_tokens(vm, 0, 1, &id);
    no_event(vm, REVOKED);
    overwrite(vm, 0, 0);
    event = next_event(vm, REVOKED);
    g_assert_cmpstr(qdict_get_str(data(event), "qom-path"), ==,
                    "/machine/peripheral/lun0");
    g_assert_cmpstr(qdict_get_str(data(event), "id"), ==, "lun0");
    g_assert_cmpuint(get_uint(data(event), "token"), ==, id);
    g_assert_cmpuint(get_uint(data(event), "bytes"), ==, 8 * 512);
    g_assert_cmpstr(qdict_get_str(data(event), "cause"), ==, "revoked");
    g_assert_cmpuint(suppressed(event), ==, 0);
    qobject_unref(event);
    /* once */
    vt_clock_step(vm, 5000);
    no_event(vm, REVOKED);
    vt_free(vm);
}

static void test_token_end_without_event(void)
{
    VtVm *vm = vt_simple(2, DISK_SIZE);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiWut wut;

    vt_token(vm, 0, 0, 8, token);
    wut = vt_wut(token, 0, 8);
    wut.del_tkn = true;
    g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, 0);
    no_event(vm, REVOKED);
    vt_token(vm, 0, 0, 8, token);
    vt_clock_step(vm, 31000);
    no_event(vm, REVOKED);
    vt_free(vm);
}

static void test_rate_is_limited_and_last_is_told(void)
{
    VtVm *vm = vt_simple(1, DISK_SIZE);
    uint64_t ids[10];
    QDict *event;

    make_tokens(vm, 0, 10, ids);
    for (unsigned i = 0; i < 8; i++) {
        overwrite(vm, 0, i);
    }
    event = next_event(vm, REVOKED);
    g_assert_cmpuint(get_uint(data(event), "token"), ==, ids[0]);
    g_assert_cmpuint(suppressed(event), ==, 0);
    qobject_unref(event);
    no_event(vm, REVOKED);
    vt_clock_step(vm, 999);
    no_event(vm, REVOKED);
    vt_clock_step(vm, 1);
    /* the last one, for itself and six others */
    event = next_event(vm, REVOKED);
    g_assert_cmpuint(get_uint(data(event), "token"), ==, ids[7]);
    g_assert_cmpuint(suppressed(event), ==, 6);
    qobject_unref(event);

    /* that one was an event, too: the next waits for its second */
    overwrite(vm, 0, 8);
    no_event(vm, REVOKED);
    vt_clock_step(vm, 1000);
    event = next_event(vm, REVOKED);
    g_assert_cmpuint(suppressed(event), ==, 0);
    qobject_unref(event);

    /* after a quiet second at once again */
    vt_clock_step(vm, 1000);
    overwrite(vm, 0, 9);
    event = next_event(vm, REVOKED);
    g_assert_cmpuint(get_uint(data(event), "token"), ==, ids[9]);
    qobject_unref(event);
    vt_free(vm);
}

static void test_luns_are_limited_apart(void)
{
    VtVm *vm = vt_simple(2, DISK_SIZE);
    uint64_t ids[2];
    QDict *event;

    make_tokens(vm, 0, 2, ids);
    make_tokens(vm, 1, 1, ids);
    overwrite(vm, 0, 0);
    event = next_event(vm, REVOKED);
    g_assert_cmpstr(qdict_get_str(data(event), "id"), ==, "lun0");
    qobject_unref(event);
    overwrite(vm, 0, 1);
    no_event(vm, REVOKED);
    overwrite(vm, 1, 0);
    event = next_event(vm, REVOKED);
    g_assert_cmpstr(qdict_get_str(data(event), "id"), ==, "lun1");
    qobject_unref(event);
    vt_free(vm);
}

static void test_unplug_tells_what_was_held(void)
{
    VtVm *vm = vt_simple(2, DISK_SIZE);
    uint64_t ids[4];
    QDict *event;

    make_tokens(vm, 1, 4, ids);
    overwrite(vm, 1, 0);
    event = next_event(vm, REVOKED);
    qobject_unref(event);
    overwrite(vm, 1, 1);
    no_event(vm, REVOKED);
    qtest_qmp_assert_success(vm->qts, "{'execute': 'device_del', "
                             "'arguments': {'id': 'lun1'}}");
    /* two that are cancelled now, one that was held */
    event = qtest_qmp_eventwait_ref(vm->qts, REVOKED);
    g_assert_cmpstr(qdict_get_str(data(event), "id"), ==, "lun1");
    g_assert_cmpstr(qdict_get_str(data(event), "cause"), ==, "cancelled");
    g_assert_cmpuint(suppressed(event), ==, 2);
    qobject_unref(event);
    qtest_qmp_eventwait(vm->qts, "DEVICE_DELETED");
    vt_clock_step(vm, 5000);
    no_event(vm, REVOKED);
    vt_free(vm);
}

/* A throttle node has no copy_range; this one does not hold anything up */
static VtVm *start_without_copy_range(void)
{
    VtVm *vm = vt_new();

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE });
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE, .bps = TiB });
    vt_boot(vm);
    vt_fill(vm, 0, 0, DISK_SIZE, 1);
    return vm;
}

static void test_fallback(void)
{
    VtVm *vm = start_without_copy_range();
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    QDict *event;

    vt_token(vm, 0, 0, 128, token);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 128), ==, 0);
    event = next_event(vm, FALLBACK);
    g_assert_cmpstr(qdict_get_str(data(event), "qom-path"), ==,
                    "/machine/peripheral/lun1");
    g_assert_cmpstr(qdict_get_str(data(event), "id"), ==, "lun1");
    g_assert_cmpstr(qdict_get_str(data(event), "reason"), ==, "not-supported");
    g_assert_cmpstr(qdict_get_str(data(event), "error"), ==,
                    strerror(ENOTSUP));
    g_assert_cmpstr(qdict_get_str(data(event), "source"), ==,
                    "/machine/peripheral/lun0");
    g_assert_cmpstr(qdict_get_str(data(event), "source-node"), ==, "raw0");
    g_assert_cmpstr(qdict_get_str(data(event), "target-node"), ==, "slow1");
    g_assert_cmpuint(suppressed(event), ==, 0);
    g_assert_false(qdict_haskey(data(event), "job"));
    qobject_unref(event);

    /* two more within the second */
    g_assert_cmphex(vt_use(vm, 1, token, 0, 128), ==, 0);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 128), ==, 0);
    no_event(vm, FALLBACK);
    vt_clock_step(vm, 1000);
    event = next_event(vm, FALLBACK);
    g_assert_cmpuint(suppressed(event), ==, 1);
    qobject_unref(event);
    vt_free(vm);
}

static void test_kinds_are_limited_apart(void)
{
    VtVm *vm = start_without_copy_range();
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    uint64_t id;
    QDict *event;

    make_tokens(vm, 1, 1, &id);
    vt_token(vm, 0, 0, 128, token);
    overwrite(vm, 1, 0);
    event = next_event(vm, REVOKED);
    qobject_unref(event);
    g_assert_cmphex(vt_use(vm, 1, token, 1024, 128), ==, 0);
    event = next_event(vm, FALLBACK);
    qobject_unref(event);
    vt_free(vm);
}

static void test_events_from_an_iothread(void)
{
    VtVm *vm = vt_new();
    uint64_t ids[2];
    QDict *event;

    vt_arg(vm, "-object iothread,id=io0");
    vt_hba(vm, "iothread=io0");
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE });
    vt_boot(vm);
    make_tokens(vm, 0, 2, ids);
    overwrite(vm, 0, 0);
    event = qtest_qmp_eventwait_ref(vm->qts, REVOKED);
    g_assert_cmpuint(get_uint(data(event), "token"), ==, ids[0]);
    qobject_unref(event);
    overwrite(vm, 0, 1);
    vt_clock_step(vm, 1000);
    event = qtest_qmp_eventwait_ref(vm->qts, REVOKED);
    g_assert_cmpuint(get_uint(data(event), "token"), ==, ids[1]);
    qobject_unref(event);
    vt_free(vm);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/vscsi/event/token-revoked", test_token_revoked);
    qtest_add_func("/vscsi/event/token-end-without-event",
                   test_token_end_without_event);
    qtest_add_func("/vscsi/event/rate-is-limited-and-last-is-told",
                   test_rate_is_limited_and_last_is_told);
    qtest_add_func("/vscsi/event/luns-are-limited-apart",
                   test_luns_are_limited_apart);
    qtest_add_func("/vscsi/event/unplug-tells-what-was-held",
                   test_unplug_tells_what_was_held);
    qtest_add_func("/vscsi/event/fallback", test_fallback);
    qtest_add_func("/vscsi/event/kinds-are-limited-apart",
                   test_kinds_are_limited_apart);
    qtest_add_func("/vscsi/event/events-from-an-iothread",
                   test_events_from_an_iothread);
    return g_test_run();
}
