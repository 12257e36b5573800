/*
 * vscsi qtests: third-party copy commands
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "harness.h"

/* Of vt_token() and vt_use() */
#define LIST_ID_TOKEN   0x8000
#define LIST_ID_USE     0x9000

void vt_range(VscsiRangeList *list, uint64_t lba, uint64_t blocks)
{
    g_assert_cmpuint(list->n, <, VSCSI_RANGES_MAX);
    list->range[list->n++] = (VscsiRange) { .lba = lba, .blocks = blocks };
    list->blocks += blocks;
}

VscsiPt vt_pt(uint64_t lba, uint64_t blocks)
{
    VscsiPt pt = {};

    vt_range(&pt.ranges, lba, blocks);
    return pt;
}

VscsiWut vt_wut(const uint8_t *token, uint64_t lba, uint64_t blocks)
{
    VscsiWut wut = { .token = token };

    vt_range(&wut.ranges, lba, blocks);
    return wut;
}

void vt_cdb(uint8_t *cdb, VscsiCommand command, uint32_t list_id,
            uint32_t data_length)
{
    VscsiCdb c = {
        .command = command,
        .list_id = list_id,
        .data_length = data_length,
    };

    vscsi_cdb_encode(&c, cdb);
}

static VtCmd *send_list(VtVm *vm, unsigned disk, VscsiCommand command,
                        uint32_t list_id, const uint8_t *list, size_t len)
{
    uint8_t cdb[VSCSI_CDB_LEN];

    vt_cdb(cdb, command, list_id, len);
    return vt_send(vm, disk, cdb, list, len, 0);
}

VtCmd *vt_send_pt(VtVm *vm, unsigned disk, uint32_t list_id,
                  const VscsiPt *pt)
{
    size_t len = vscsi_pt_encode(NULL, 0, pt);
    g_autofree uint8_t *list = g_malloc0(len);

    vscsi_pt_encode(list, len, pt);
    return send_list(vm, disk, VSCSI_CMD_POPULATE_TOKEN, list_id, list, len);
}

VtCmd *vt_send_wut(VtVm *vm, unsigned disk, uint32_t list_id,
                   const VscsiWut *wut)
{
    size_t len = vscsi_wut_encode(NULL, 0, wut);
    g_autofree uint8_t *list = g_malloc0(len);

    vscsi_wut_encode(list, len, wut);
    return send_list(vm, disk, VSCSI_CMD_WRITE_USING_TOKEN, list_id, list,
                     len);
}

VtCmd *vt_send_abort(VtVm *vm, unsigned disk, uint32_t list_id)
{
    return send_list(vm, disk, VSCSI_CMD_COPY_OPERATION_ABORT, list_id, NULL,
                     0);
}

uint32_t vt_populate(VtVm *vm, unsigned disk, uint32_t list_id,
                     const VscsiPt *pt)
{
    return vt_end(vt_send_pt(vm, disk, list_id, pt));
}

uint32_t vt_write_token(VtVm *vm, unsigned disk, uint32_t list_id,
                        const VscsiWut *wut)
{
    return vt_end(vt_send_wut(vm, disk, list_id, wut));
}

uint32_t vt_abort(VtVm *vm, unsigned disk, uint32_t list_id)
{
    return vt_end(vt_send_abort(vm, disk, list_id));
}

static uint32_t receive(VtVm *vm, unsigned disk, VscsiCommand command,
                        uint32_t list_id, uint32_t alloc, VtStatus *s)
{
    uint8_t cdb[VSCSI_CDB_LEN];
    uint32_t outcome;
    size_t len;

    memset(s, 0, sizeof(*s));
    g_assert_cmpuint(alloc, <=, sizeof(s->raw));
    vt_cdb(cdb, command, list_id, alloc);
    outcome = vt_in(vm, disk, cdb, s->raw, alloc);
    if (outcome) {
        return outcome;
    }
    len = 4 + ldl_be_p(s->raw);
    if (len <= alloc) {
        s->decoded = command == VSCSI_CMD_RECEIVE_ROD_TOKEN_INFORMATION ?
                     vscsi_rrti_decode(s->raw, len, &s->status) :
                     vscsi_rcs4_decode(s->raw, len, &s->status);
        g_assert_true(s->decoded);
    }
    return outcome;
}

uint32_t vt_rrti(VtVm *vm, unsigned disk, uint32_t list_id, uint32_t alloc,
                 VtStatus *status)
{
    return receive(vm, disk, VSCSI_CMD_RECEIVE_ROD_TOKEN_INFORMATION, list_id,
                   alloc, status);
}

uint32_t vt_rcs4(VtVm *vm, unsigned disk, uint32_t list_id, VtStatus *status)
{
    return receive(vm, disk, VSCSI_CMD_RECEIVE_COPY_STATUS_LID4, list_id, 512,
                   status);
}

static bool in_progress(const VtStatus *s)
{
    return (s->status.state & 0x70) == VSCSI_COPY_IN_PROGRESS;
}

void vt_poll_count(VtVm *vm, unsigned disk, uint32_t list_id, uint64_t count,
                   VtStatus *status)
{
    gint64 start = g_get_monotonic_time();

    for (;;) {
        g_assert_cmphex(vt_rcs4(vm, disk, list_id, status), ==, 0);
        if (!in_progress(status) || status->status.count >= count) {
            return;
        }
        g_assert_cmpint(g_get_monotonic_time() - start, <, VT_GUARD_US);
        if (vm->step_ns) {
            qtest_clock_step(vm->qts, vm->step_ns);
        }
        g_usleep(500);
    }
}

void vt_poll(VtVm *vm, unsigned disk, uint32_t list_id, VtStatus *status)
{
    vt_poll_count(vm, disk, list_id, UINT64_MAX, status);
}

void vt_token(VtVm *vm, unsigned disk, uint64_t lba, uint64_t blocks,
              uint8_t token[VSCSI_ROD_TOKEN_LEN])
{
    VscsiPt pt = vt_pt(lba, blocks);
    VtStatus s;

    g_assert_cmphex(vt_populate(vm, disk, LIST_ID_TOKEN, &pt), ==, 0);
    g_assert_cmphex(vt_rrti(vm, disk, LIST_ID_TOKEN, 805, &s), ==, 0);
    g_assert_cmphex(s.status.state, ==, VSCSI_COPY_OK);
    g_assert_nonnull(s.status.token);
    memcpy(token, s.status.token, VSCSI_ROD_TOKEN_LEN);
}

uint32_t vt_use(VtVm *vm, unsigned disk, const uint8_t *token, uint64_t lba,
                uint64_t blocks)
{
    VscsiWut wut = vt_wut(token, lba, blocks);

    return vt_write_token(vm, disk, LIST_ID_USE, &wut);
}

VtCmd *vt_send_xcopy(VtVm *vm, unsigned disk, const VscsiXcopy *xcopy)
{
    size_t len = vscsi_xcopy_encode(NULL, 0, xcopy);
    g_autofree uint8_t *list = g_malloc0(len);

    vscsi_xcopy_encode(list, len, xcopy);
    return send_list(vm, disk, VSCSI_CMD_EXTENDED_COPY_LID1, 0, list, len);
}

uint32_t vt_xcopy(VtVm *vm, unsigned disk, const VscsiXcopy *xcopy)
{
    return vt_end(vt_send_xcopy(vm, disk, xcopy));
}

VscsiCscd vt_cscd(VtVm *vm, unsigned disk)
{
    uint8_t page[252];
    VscsiCscd cscd = {};
    unsigned len, at, found = 0;

    g_assert_cmphex(vt_inquiry(vm, disk, 0x83, page, sizeof(page)), ==, 0);
    len = MIN(4 + lduw_be_p(page + 2), sizeof(page));
    for (at = 4; at + 4 <= len; at += 4 + page[at + 3]) {
        VscsiDesignator *d = &cscd.designator;

        /* association: LUN; type: NAA */
        if ((page[at + 1] & 0x3f) != VSCSI_DESIGNATOR_NAA) {
            continue;
        }
        found++;
        d->code_set = page[at] & 0xf;
        d->association = VSCSI_ASSOC_LUN;
        d->type = VSCSI_DESIGNATOR_NAA;
        d->length = page[at + 3];
        g_assert_cmpuint(d->length, <=, VSCSI_CSCD_DESIGNATOR_MAX);
        memcpy(d->bytes, page + at + 4, d->length);
    }
    g_assert_cmpuint(found, ==, 1);
    return cscd;
}

uint32_t vt_seed(void)
{
    const char *text = g_getenv("VSCSI_SEED");
    uint32_t seed = text ? g_ascii_strtoull(text, NULL, 0) : g_random_int();

    g_test_message("VSCSI_SEED=%u", seed);
    return seed;
}
