/*
 * What the tests of the copy list share: a list on a clock that the tests set,
 * operations that are counted, and short forms of the calls.  For one program
 * only.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef COPY_LIST_FIXTURE_H
#define COPY_LIST_FIXTURE_H

#include "qemu/osdep.h"
#include "qemu/thread.h"
#include "hw/vscsi/copy-list.h"
#include "unit.h"

#define MAX_RUNNING 3u
#define MAX_ENDED 4u
#define RETENTION_MS 60000

typedef struct TestOp {
    VscsiCopyOp base;
} TestOp;

static int64_t now_ms;
static VscsiCopyList *list;
static unsigned nr_freed;
static unsigned nr_ops;

static int64_t fake_clock(void *opaque)
{
    ck_assert_ptr_eq(opaque, &now_ms);
    return now_ms;
}

static void setup(void)
{
    VscsiCopyListConfig config = {
        .max_running = MAX_RUNNING,
        .max_ended = MAX_ENDED,
        .retention_ms = RETENTION_MS,
        .clock_ms = fake_clock,
        .opaque = &now_ms,
    };

    now_ms = 5000;
    nr_freed = 0;
    nr_ops = 0;
    list = vscsi_copy_list_new(&config);
}

static void teardown(void)
{
    vscsi_copy_list_free(list);
    list = NULL;
    ck_assert_uint_eq(nr_freed, nr_ops);
}

static void op_free(VscsiCopyOp *op)
{
    /* would deadlock if the list held its lock */
    if (list) {
        vscsi_copy_list_running(list);
    }
    nr_freed++;
    g_free(container_of(op, TestOp, base));
}

static const VscsiCopyParams pt = {
    .list_id = 7,
    .service_action = VSCSI_SA_POPULATE_TOKEN,
    .form = VSCSI_COPY_LID4,
    .transfer_units = VSCSI_UNITS_BLOCKS,
};

static const VscsiCopyParams xcopy = {
    .list_id = 7,
    .service_action = VSCSI_SA_EXTENDED_COPY_LID1,
    .form = VSCSI_COPY_LID1,
    .transfer_units = VSCSI_UNITS_BYTES,
};

/* Begin with an op that only the list holds */
static VscsiCopyBegin try_begin(VscsiCopyParams params, uint64_t *serial)
{
    TestOp *op = g_new0(TestOp, 1);
    VscsiCopyBegin result;

    nr_ops++;
    vscsi_copy_op_init(&op->base, op_free);
    params.op = &op->base;
    result = vscsi_copy_list_begin(list, &params, serial);
    vscsi_copy_op_unref(&op->base);
    return result;
}

static uint64_t begin(VscsiCopyParams params)
{
    uint64_t serial = 0;

    ck_assert_int_eq(try_begin(params, &serial), VSCSI_COPY_BEGIN_OK);
    ck_assert_uint_ne(serial, 0);
    return serial;
}

static uint64_t begin_id(uint32_t list_id)
{
    VscsiCopyParams params = pt;

    params.list_id = list_id;
    return begin(params);
}

static uint8_t token[VSCSI_ROD_TOKEN_LEN] = { 1, 2, 3 };

static const VscsiCopyResult good = {
    .state = VSCSI_COPY_OK,
    .count = 1000,
    .token = token,
};

static const VscsiCopyResult failed = {
    .state = VSCSI_COPY_ERROR,
    .completion_status = VSCSI_STATUS_CHECK_CONDITION,
    .has_sense = true,
    .sense = { .key = VSCSI_KEY_COPY_ABORTED, .asc = 0x0d, .ascq = 0x01 },
    .count = 10,
    .segments = 2,
};

static const VscsiCopyResult terminated = {
    .state = VSCSI_COPY_TERMINATED,
    .completion_status = VSCSI_STATUS_GOOD,
    .has_sense = true,
    .token = token,
};

static void end(uint64_t serial, const VscsiCopyResult *result)
{
    ck_assert(vscsi_copy_list_end(list, serial, result));
}

static bool known(uint32_t list_id)
{
    VscsiCopyRecord record;

    return vscsi_copy_list_query(list, VSCSI_COPY_QUERY_RCS4, list_id,
                                 &record);
}

/* A query that is answered and transferred without error */
static bool ask(VscsiCopyQuery query, uint32_t list_id, uint32_t alloc_len,
                VscsiCopyRecord *record)
{
    if (!vscsi_copy_list_query(list, query, list_id, record)) {
        return false;
    }
    vscsi_copy_list_returned(list, query, record, alloc_len,
                             record->status.token ? 550 : 36);
    return true;
}

#endif /* COPY_LIST_FIXTURE_H */
