/*
 * Host-side copies: blockdev-offload-copy, its job, what it refuses
 *
 * Disk 0 is the source, disk 1 the target; they have no device unless a test
 * says so.  Refusal of IDE: ide-test.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qobject/qlist.h"
#include "harness.h"

#define DISK_SIZE   (16 * MiB)

/* @bps: of the target, in the guest's time, which stands still; 0: no limit */
static VtVm *start(uint64_t bps, bool source_lun)
{
    VtVm *vm = vt_new();

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE, .cold = !source_lun });
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE, .cold = true, .bps = bps });
    vm->keep_attention = true;
    vt_boot(vm);
    if (source_lun) {
        vt_test_unit_ready(vm, 0);
    }
    vt_fill(vm, 0, 0, DISK_SIZE, 1);
    return vm;
}

/* Start a copy of @bytes; at the offsets too */
static QDict *copy_at(VtVm *vm, const char *job, uint64_t source_offset,
                      uint64_t target_offset, uint64_t bytes)
{
    return qtest_qmp(vm->qts, "{'execute': 'blockdev-offload-copy', "
                     "'arguments': {'job-id': %s, 'source': %s, 'target': %s, "
                     "'source-offset': %" PRIu64 ", 'target-offset': %" PRIu64
                     ", 'bytes': %" PRIu64 "}}", job, vm->disk[0].node,
                     vm->disk[1].node, source_offset, target_offset, bytes);
}

static void begin(VtVm *vm, const char *job, uint64_t bytes)
{
    QDict *response = copy_at(vm, job, 0, 0, bytes);

    g_assert_true(qdict_haskey(response, "return"));
    qobject_unref(response);
}

/* The command with more arguments must fail, with @text in its Error */
static void check_error(QDict *response, const char *text)
{
    const char *desc;

    g_assert_true(qdict_haskey(response, "error"));
    desc = qdict_get_str(qdict_get_qdict(response, "error"), "desc");
    if (!strstr(desc, text)) {
        g_test_message("\"%s\" is not in \"%s\"", text, desc);
        g_test_fail();
    }
    qobject_unref(response);
}

static bool ends(QDict *event, const char *job)
{
    QDict *data = qdict_get_qdict(event, "data");
    bool end = !strcmp(qdict_get_str(data, "id"), job) &&
               !strcmp(qdict_get_str(data, "status"), "null");

    qobject_unref(event);
    return end;
}

/* Lets the guest's clock go on, by which a throttle goes */
static void wait_end(VtVm *vm, const char *job)
{
    for (;;) {
        QDict *event;

        qtest_qmp_assert_success(vm->qts, "{'execute': 'query-status'}");
        while ((event = qtest_qmp_event_ref(vm->qts, "JOB_STATUS_CHANGE"))) {
            if (ends(event, job)) {
                return;
            }
        }
        vt_clock_step(vm, 200);
    }
}

static QList *copies(VtVm *vm, QDict **answer)
{
    *answer = qtest_qmp_assert_success_ref(vm->qts,
                                           "{'execute': 'query-vscsi'}");
    return qdict_get_qlist(*answer, "host-copies");
}

/* What query-vscsi says of the newest copy; to be unreferenced */
static QDict *last_copy(VtVm *vm)
{
    QDict *answer, *copy = NULL;
    const QListEntry *entry;

    QLIST_FOREACH_ENTRY(copies(vm, &answer), entry)
    {
        copy = qobject_to(QDict, qlist_entry_obj(entry));
    }
    g_assert_nonnull(copy);
    qobject_ref(copy);
    qobject_unref(answer);
    return copy;
}

static void check_state(VtVm *vm, const char *state)
{
    QDict *copy = last_copy(vm);

    g_assert_cmpstr(qdict_get_str(copy, "state"), ==, state);
    g_assert_true(qdict_haskey(copy, "error") == !strcmp(state, "failed"));
    qobject_unref(copy);
}

static void delete_node(VtVm *vm, const char *fmt, unsigned n)
{
    g_autofree char *node = g_strdup_printf(fmt, n);

    qtest_qmp_assert_success(vm->qts, "{'execute': 'blockdev-del', "
                             "'arguments': {'node-name': %s}}", node);
}

/* ------------------------------------------------------------- the copies */

static void test_copies_and_counts(void)
{
    VtVm *vm = start(0, false);
    const QListEntry *entry;
    uint64_t sum = 0;
    QDict *copy;

    begin(vm, "j", DISK_SIZE);
    wait_end(vm, "j");
    g_assert_true(vt_has(vm, 1, 0, DISK_SIZE, 1, 0));
    copy = last_copy(vm);
    g_assert_cmpstr(qdict_get_str(copy, "job-id"), ==, "j");
    g_assert_cmpstr(qdict_get_str(copy, "source"), ==, "raw0");
    g_assert_cmpstr(qdict_get_str(copy, "target"), ==, "raw1");
    g_assert_cmpstr(qdict_get_str(copy, "state"), ==, "ok");
    g_assert_cmpint(qdict_get_int(copy, "bytes"), ==, DISK_SIZE);
    g_assert_cmpint(qdict_get_int(copy, "done"), ==, DISK_SIZE);
    QLIST_FOREACH_ENTRY(qdict_get_qlist(copy, "copied"), entry)
    {
        sum += qdict_get_int(qobject_to(QDict, qlist_entry_obj(entry)),
                             "bytes");
    }
    g_assert_cmpuint(sum, ==, DISK_SIZE);
    qobject_unref(copy);
    vt_free(vm);
}

static void test_offsets(void)
{
    VtVm *vm = start(0, false);
    QDict *response = copy_at(vm, "j", 512, 3 * MiB + 1024, MiB);

    qobject_unref(response);
    wait_end(vm, "j");
    g_assert_true(vt_has_zeroes(vm, 1, 0, 3 * MiB + 1024));
    g_assert_true(vt_has(vm, 1, 3 * MiB + 1024, MiB, 1, 512));
    g_assert_true(vt_has_zeroes(vm, 1, 4 * MiB + 1024,
                                DISK_SIZE - 4 * MiB - 1024));
    vt_free(vm);
}

static void test_default_is_to_the_end(void)
{
    VtVm *vm = start(0, false);

    qtest_qmp_assert_success(vm->qts, "{'execute': 'blockdev-offload-copy', "
                             "'arguments': {'job-id': 'j', 'source': 'raw0', "
                             "'source-offset': 1048576, 'target': 'raw1'}}");
    wait_end(vm, "j");
    g_assert_true(vt_has(vm, 1, 0, DISK_SIZE - MiB, 1, MiB));
    g_assert_true(vt_has_zeroes(vm, 1, DISK_SIZE - MiB, MiB));
    vt_free(vm);
}

static void test_from_a_disk_of_the_guest(void)
{
    VtVm *vm = start(0, true);

    begin(vm, "j", DISK_SIZE);
    wait_end(vm, "j");
    check_state(vm, "ok");
    g_assert_true(vt_has(vm, 1, 0, DISK_SIZE, 1, 0));
    vt_free(vm);
}

static void test_fails_when_the_source_is_overwritten(void)
{
    VtVm *vm = start(MiB, true);
    uint8_t block[512] = {};
    QDict *copy;

    begin(vm, "j", DISK_SIZE);
    g_assert_cmphex(vt_write(vm, 0, DISK_SIZE / 512 - 1, 1, block), ==, 0);
    wait_end(vm, "j");
    copy = last_copy(vm);
    g_assert_cmpstr(qdict_get_str(copy, "state"), ==, "failed");
    g_assert_nonnull(strstr(qdict_get_str(copy, "error"), "overwritten"));
    g_assert_cmpint(qdict_get_int(copy, "done"), <, DISK_SIZE);
    qobject_unref(copy);
    vt_free(vm);
}

static void test_cancel(void)
{
    VtVm *vm = start(MiB, false);

    begin(vm, "j", DISK_SIZE);
    check_state(vm, "running");
    qtest_qmp_assert_success(vm->qts, "{'execute': 'job-cancel', "
                             "'arguments': {'id': 'j'}}");
    wait_end(vm, "j");
    check_state(vm, "cancelled");
    vt_free(vm);
}

static bool job_is(VtVm *vm, const char *status)
{
    QDict *response = qtest_qmp(vm->qts, "{'execute': 'query-jobs'}");
    QList *jobs = qdict_get_qlist(response, "return");
    QDict *job = qobject_to(QDict, qlist_peek(jobs));
    bool is;

    g_assert_nonnull(job);
    is = !strcmp(qdict_get_str(job, "status"), status);
    g_assert_cmpstr(qdict_get_str(job, "type"), ==, "offload-copy");
    qobject_unref(response);
    return is;
}

static void test_pause(void)
{
    VtVm *vm = start(MiB, false);
    QDict *copy;
    int64_t done;

    begin(vm, "j", DISK_SIZE);
    qtest_qmp_assert_success(vm->qts, "{'execute': 'job-pause', "
                             "'arguments': {'id': 'j'}}");
    /* the slice of host's time is over; eight MiB are in flight at most */
    g_usleep(300 * 1000);
    while (!job_is(vm, "paused")) {
        vt_clock_step(vm, 1000);
    }
    copy = last_copy(vm);
    done = qdict_get_int(copy, "done");
    qobject_unref(copy);
    vt_clock_step(vm, 100000);
    copy = last_copy(vm);
    g_assert_cmpint(qdict_get_int(copy, "done"), ==, done);
    qobject_unref(copy);
    qtest_qmp_assert_success(vm->qts, "{'execute': 'job-cancel', "
                             "'arguments': {'id': 'j'}}");
    wait_end(vm, "j");
    vt_free(vm);
}

static void test_drain(void)
{
    VtVm *vm = start(MiB, false);

    begin(vm, "j", DISK_SIZE);
    check_state(vm, "running");
    for (unsigned i = 0; i < 3; i++) {
        /* drains all nodes: returns when the job is at rest */
        qtest_qmp_assert_success(vm->qts, "{'execute': 'transaction', "
                                 "'arguments': {'actions': []}}");
        check_state(vm, "running");
        vt_clock_step(vm, 1000);
    }
    wait_end(vm, "j");
    check_state(vm, "ok");
    g_assert_true(vt_has(vm, 1, 0, DISK_SIZE, 1, 0));
    vt_free(vm);
}

static void test_leaves_nothing_behind(void)
{
    VtVm *vm = start(0, false);

    for (unsigned i = 0; i < 3; i++) {
        begin(vm, "j", MiB);
        wait_end(vm, "j");
    }
    for (unsigned n = 0; n < 2; n++) {
        delete_node(vm, "raw%u", n);
        delete_node(vm, "file%u", n);
    }
    /* what was copied is known although the nodes have gone */
    check_state(vm, "ok");
    vt_free(vm);
}

static void test_quit_while_running(void)
{
    VtVm *vm = start(MiB, true);

    begin(vm, "a", DISK_SIZE);
    check_state(vm, "running");
    /* asserts that QEMU ends well */
    vt_free(vm);
}

static void test_last_sixteen_are_kept(void)
{
    VtVm *vm = start(0, false);
    QDict *answer;
    QList *list;

    for (unsigned i = 0; i < 20; i++) {
        g_autofree char *job = g_strdup_printf("j%u", i);

        begin(vm, job, 512);
        wait_end(vm, job);
    }
    list = copies(vm, &answer);
    g_assert_cmpuint(qlist_size(list), ==, 16);
    g_assert_cmpstr(qdict_get_str(qobject_to(QDict, qlist_peek(list)),
                                  "job-id"), ==, "j4");
    qobject_unref(answer);
    vt_free(vm);
}

static void test_fallback_event_names_the_job(void)
{
    VtVm *vm = start(TiB, false);
    QDict *event, *data;

    begin(vm, "j", MiB);
    event = qtest_qmp_eventwait_ref(vm->qts, "VSCSI_OFFLOAD_FALLBACK");
    data = qdict_get_qdict(event, "data");
    g_assert_cmpstr(qdict_get_str(data, "job"), ==, "j");
    g_assert_cmpstr(qdict_get_str(data, "reason"), ==, "not-supported");
    g_assert_cmpstr(qdict_get_str(data, "source-node"), ==, "raw0");
    g_assert_cmpstr(qdict_get_str(data, "target-node"), ==, "slow1");
    g_assert_false(qdict_haskey(data, "qom-path"));
    qobject_unref(event);
    wait_end(vm, "j");
    vt_free(vm);
}

static void test_hmp(void)
{
    VtVm *vm = start(0, false);
    g_autofree char *good = NULL;
    g_autofree char *bad = NULL;
    g_autofree char *info = NULL;

    good = qtest_hmp(vm->qts, "offload_copy j raw0 raw1 0 512 1024");
    g_assert_cmpstr(good, ==, "");
    wait_end(vm, "j");
    g_assert_true(vt_has(vm, 1, 512, 1024, 1, 0));
    info = qtest_hmp(vm->qts, "info vscsi");
    g_assert_nonnull(strstr(info, "host-side copies:"));
    bad = qtest_hmp(vm->qts, "offload_copy j raw0 raw1 -512");
    g_assert_nonnull(strstr(bad, "source-offset=-512"));
    vt_free(vm);
}

/* --------------------------------------------------------------- refusals */

static void test_refuses_bad_ranges(void)
{
    VtVm *vm = start(0, false);

    check_error(copy_at(vm, "j", 0, 0, 513), "bytes=513");
    check_error(copy_at(vm, "j", 100, 0, 512), "source-offset=100");
    check_error(copy_at(vm, "j", 0, 0, 0), "no bytes");
    check_error(copy_at(vm, "j", DISK_SIZE - 512, 0, 1024),
                "beyond the end of the source");
    check_error(copy_at(vm, "j", 0, DISK_SIZE - 512, 1024),
                "beyond the end of the target");
    check_error(copy_at(vm, "j", UINT64_MAX - 511, 0, 1024),
                "beyond the end of the source");
    check_error(copy_at(vm, "j", 0, 1ULL << 63, 1024),
                "beyond the end of the target");
    vt_free(vm);
}

static QDict *copy_between(VtVm *vm, const char *source, const char *target)
{
    return qtest_qmp(vm->qts, "{'execute': 'blockdev-offload-copy', "
                     "'arguments': {'job-id': 'j', 'source': %s, "
                     "'target': %s}}", source, target);
}

static void test_refuses_bad_nodes(void)
{
    VtVm *vm = vt_new();

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE, .cold = true });
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE });
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE, .cold = true,
                                .read_only = true });
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE, .cold = true, .bps = MiB });
    vm->keep_attention = true;
    vt_boot(vm);
    check_error(copy_between(vm, "nothing", "raw0"), "nothing");
    check_error(copy_between(vm, "raw0", "nothing"), "nothing");
    /* the guest's disk, without share-rw */
    check_error(copy_between(vm, "raw0", "raw1"), "raw1");
    check_error(copy_between(vm, "raw0", "raw2"), "read-only");
    check_error(copy_between(vm, "raw0", "raw3"), "filter node 'slow3'");
    vt_free(vm);
}

static void test_refuses_a_job_id_in_use(void)
{
    VtVm *vm = start(MiB, false);

    begin(vm, "j", DISK_SIZE);
    check_error(copy_between(vm, "slow1", "raw0"), "Job ID 'j' already in use");
    vt_free(vm);
}

static void test_refuses_a_second_writer(void)
{
    VtVm *vm = start(MiB, false);

    begin(vm, "j", DISK_SIZE);
    check_error(copy_at(vm, "k", 0, 0, 512), "slow1");
    vt_free(vm);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/vscsi/host-copy/copies-and-counts",
                   test_copies_and_counts);
    qtest_add_func("/vscsi/host-copy/offsets", test_offsets);
    qtest_add_func("/vscsi/host-copy/default-is-to-the-end",
                   test_default_is_to_the_end);
    qtest_add_func("/vscsi/host-copy/from-a-disk-of-the-guest",
                   test_from_a_disk_of_the_guest);
    qtest_add_func("/vscsi/host-copy/fails-when-the-source-is-overwritten",
                   test_fails_when_the_source_is_overwritten);
    qtest_add_func("/vscsi/host-copy/cancel", test_cancel);
    qtest_add_func("/vscsi/host-copy/pause", test_pause);
    qtest_add_func("/vscsi/host-copy/drain", test_drain);
    qtest_add_func("/vscsi/host-copy/leaves-nothing-behind",
                   test_leaves_nothing_behind);
    qtest_add_func("/vscsi/host-copy/quit-while-running",
                   test_quit_while_running);
    qtest_add_func("/vscsi/host-copy/last-sixteen-are-kept",
                   test_last_sixteen_are_kept);
    qtest_add_func("/vscsi/host-copy/fallback-event-names-the-job",
                   test_fallback_event_names_the_job);
    qtest_add_func("/vscsi/host-copy/hmp", test_hmp);
    qtest_add_func("/vscsi/host-copy/refuses-bad-ranges",
                   test_refuses_bad_ranges);
    qtest_add_func("/vscsi/host-copy/refuses-bad-nodes",
                   test_refuses_bad_nodes);
    qtest_add_func("/vscsi/host-copy/refuses-a-job-id-in-use",
                   test_refuses_a_job_id_in_use);
    qtest_add_func("/vscsi/host-copy/refuses-a-second-writer",
                   test_refuses_a_second_writer);
    return g_test_run();
}
