/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Input: a byte (bit 0, 1: mend the checksum of header 1, 2), the size of the
 * file in MiB (2), fields of header 1 (80), fields of header 2.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "fuzz.h"

static uint8_t *slot_take(const uint8_t **data, size_t *size, bool mend)
{
    size_t n = MIN(*size, VHDX_HEADER_USED);
    uint8_t *slot = fuzz_padded(*data, n, VHDX_HEADER_LEN);

    *data += n;
    *size -= n;
    if (mend) {
        stl_le_p(slot + 4, vhdx_checksum(slot, VHDX_HEADER_LEN, 4));
    }
    return slot;
}

static void try_plans(const VhdxHeaderState *now)
{
    const Guid guid = { { 1, 2, 3 } };
    VhdxHeaderPlan plan;
    VhdxError err = { 0 };

    if (!vhdx_plan_log_start(now, &guid, &guid, &guid, &plan, &err)) {
        fuzz_refused(&err);
        return;
    }
    fuzz_assert(plan.n && plan.n <= VHDX_PLAN_STEPS_MAX);
    fuzz_assert(plan.after.header.sequence > now->header.sequence);
    fuzz_assert(vhdx_plan_log_end(now, &plan, NULL));
    fuzz_assert(vhdx_plan_replay(now, &guid, &plan, NULL));
    fuzz_assert(vhdx_plan_data_write(now, &guid, &plan, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t mend = fuzz_take(&data, &size, 1);
    uint64_t file_size = fuzz_take(&data, &size, 2) * VHDX_MIB;
    g_autofree uint8_t *slot_1 = slot_take(&data, &size, mend & 1);
    g_autofree uint8_t *slot_2 = slot_take(&data, &size, mend & 2);
    VhdxHeaderState now;
    VhdxError err = { 0 }, other = { 0 };
    uint8_t again[VHDX_HEADER_LEN];

    if (!vhdx_headers_choose(slot_1, VHDX_HEADER_LEN, slot_2,
                             VHDX_HEADER_LEN, &now, &other, &err)) {
        fuzz_refused(&err);
        return 0;
    }
    vhdx_header_encode(again, &now.header);
    fuzz_assert(!memcmp(again, now.slot ? slot_2 : slot_1, sizeof(again)));
    if (!vhdx_header_check(&now.header, 0, file_size, &err)) {
        fuzz_refused(&err);
        return 0;
    }
    if (now.header.log_length) {
        fuzz_assert(now.header.log_offset >= VHDX_FIRST_FREE);
        fuzz_assert(now.header.log_offset + now.header.log_length <=
                    file_size);
    }
    try_plans(&now);
    return 0;
}
