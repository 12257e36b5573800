/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VHDX headers (MS-VHDX 2.2.2).  Two slots, 4096 bytes each, of which one is
 * current.
 *
 *    0 "head"            4 Checksum         8 SequenceNumber
 *   16 FileWriteGuid    32 DataWriteGuid   48 LogGuid
 *   64 LogVersion       66 Version         68 LogLength    72 LogOffset
 *   80 reserved, written as 0, ignored when read
 *
 * Rules
 * 1. A slot is valid if signature and checksum are right.
 * 2. The current slot is the only valid one, or that of the higher sequence
 *    number.  There is always one: an update writes only the other slot, and
 *    a flush stands between two updates.
 * 3. A writable session changes FileWriteGuid before anything else.
 * 4. DataWriteGuid changes before the first change that the guest can see,
 *    and not for replay, moves of blocks, open or close.
 * 5. A header with a LogGuid promises that the log holds an active sequence
 *    of that GUID.  So the first entry is written, and durable, before.
 * 6. LogGuid becomes 0 when all that was logged is durable in its place.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "block/vhdx/format.h"

#define HEADER_CHECKSUM 4
#define HEADER_VERSION 1
#define HEADER_LOG_VERSION 0

static const char header_magic[4] = "head";

bool vhdx_header_decode(const uint8_t *buf, size_t len, uint64_t at,
                        VhdxHeader *header, VhdxError *err)
{
    uint32_t stored, computed;

    if (len < VHDX_HEADER_LEN) {
        return vhdx_error_set(err, VHDX_ERR_TRUNCATED, "header", NULL, at,
                              len, VHDX_HEADER_LEN);
    }
    if (memcmp(buf, header_magic, sizeof(header_magic))) {
        return vhdx_error_set(err, VHDX_ERR_SIGNATURE, "header", NULL, at,
                              (uint32_t)ldl_le_p(buf), 0);
    }
    stored = ldl_le_p(buf + HEADER_CHECKSUM);
    computed = vhdx_checksum(buf, VHDX_HEADER_LEN, HEADER_CHECKSUM);
    if (stored != computed) {
        return vhdx_error_set(err, VHDX_ERR_CHECKSUM, "header", NULL, at,
                              stored, computed);
    }
    *header = (VhdxHeader) {
        .sequence = ldq_le_p(buf + 8),
        .file_write_guid = guid_load(buf + 16),
        .data_write_guid = guid_load(buf + 32),
        .log_guid = guid_load(buf + 48),
        .log_version = lduw_le_p(buf + 64),
        .version = lduw_le_p(buf + 66),
        .log_length = ldl_le_p(buf + 68),
        .log_offset = ldq_le_p(buf + 72),
    };
    return true;
}

void vhdx_header_encode(uint8_t *buf, const VhdxHeader *header)
{
    memset(buf, 0, VHDX_HEADER_LEN);
    memcpy(buf, header_magic, sizeof(header_magic));
    stq_le_p(buf + 8, header->sequence);
    guid_store(buf + 16, &header->file_write_guid);
    guid_store(buf + 32, &header->data_write_guid);
    guid_store(buf + 48, &header->log_guid);
    stw_le_p(buf + 64, header->log_version);
    stw_le_p(buf + 66, header->version);
    stl_le_p(buf + 68, header->log_length);
    stq_le_p(buf + 72, header->log_offset);
    stl_le_p(buf + HEADER_CHECKSUM,
             vhdx_checksum(buf, VHDX_HEADER_LEN, HEADER_CHECKSUM));
}

static bool header_error(VhdxError *err, VhdxErrorCode code,
                         const char *field, uint64_t offset, uint64_t value,
                         uint64_t expected)
{
    return vhdx_error_set(err, code, "header", field, offset, value, expected);
}

static bool header_check_log(const VhdxHeader *h, uint64_t at,
                             uint64_t file_size, VhdxError *err)
{
    if (h->log_length % VHDX_ALIGN) {
        return header_error(err, VHDX_ERR_ALIGNMENT, "LogLength", at + 68,
                            h->log_length, VHDX_ALIGN);
    }
    if (!h->log_length) {
        return guid_is_zero(&h->log_guid) ||
               header_error(err, VHDX_ERR_ZERO, "LogLength", at + 68, 0, 0);
    }
    if (h->log_offset % VHDX_ALIGN) {
        return header_error(err, VHDX_ERR_ALIGNMENT, "LogOffset", at + 72,
                            h->log_offset, VHDX_ALIGN);
    }
    if (h->log_offset < VHDX_FIRST_FREE) {
        return header_error(err, VHDX_ERR_TOO_SMALL, "LogOffset", at + 72,
                            h->log_offset, VHDX_FIRST_FREE);
    }
    if (h->log_offset > VHDX_FILE_MAX - h->log_length) {
        return header_error(err, VHDX_ERR_TOO_LARGE, "LogOffset", at + 72,
                            h->log_offset, VHDX_FILE_MAX - h->log_length);
    }
    if (h->log_offset + h->log_length > file_size) {
        return header_error(err, VHDX_ERR_BEYOND, "LogOffset + LogLength",
                            at + 72, h->log_offset + h->log_length,
                            file_size);
    }
    return true;
}

bool vhdx_header_check(const VhdxHeader *header, uint64_t at,
                       uint64_t file_size, VhdxError *err)
{
    if (header->version != HEADER_VERSION) {
        return header_error(err, VHDX_ERR_VERSION, "Version", at + 66,
                            header->version, HEADER_VERSION);
    }
    if (header->log_version != HEADER_LOG_VERSION &&
        !guid_is_zero(&header->log_guid)) {
        return header_error(err, VHDX_ERR_VERSION, "LogVersion", at + 64,
                            header->log_version, HEADER_LOG_VERSION);
    }
    return header_check_log(header, at, file_size, err);
}

bool vhdx_headers_choose(const uint8_t *slot_1, size_t len_1,
                         const uint8_t *slot_2, size_t len_2,
                         VhdxHeaderState *current, VhdxError *other_err,
                         VhdxError *err)
{
    VhdxHeader header[2];
    VhdxError error[2] = { { .code = VHDX_ERR_NONE },
                           { .code = VHDX_ERR_NONE } };
    bool valid[2];

    valid[0] = vhdx_header_decode(slot_1, len_1, VHDX_HEADER_1, &header[0],
                                  &error[0]);
    valid[1] = vhdx_header_decode(slot_2, len_2, VHDX_HEADER_2, &header[1],
                                  &error[1]);
    if (!valid[0] && !valid[1]) {
        if (err) {
            *err = error[0];
        }
        return false;
    }
    if (valid[0] && valid[1] && header[0].sequence == header[1].sequence &&
        memcmp(slot_1, slot_2, VHDX_HEADER_USED)) {
        return header_error(err, VHDX_ERR_DIFFERENT, "SequenceNumber",
                            VHDX_HEADER_2 + 8, header[1].sequence, 0);
    }
    current->slot = !valid[0] ||
                    (valid[1] && header[1].sequence > header[0].sequence);
    current->header = header[current->slot];
    if (other_err) {
        *other_err = error[!current->slot];
    }
    return true;
}

/* ---- plans ---- */

static void plan_begin(const VhdxHeaderState *now, VhdxHeaderPlan *plan)
{
    plan->n = 0;
    plan->after = *now;
}

static void plan_add(VhdxHeaderPlan *plan, VhdxStepKind kind)
{
    assert(plan->n < VHDX_PLAN_STEPS_MAX);
    plan->step[plan->n++] = (VhdxStep) {
        .kind = kind,
        .slot = plan->after.slot,
        .header = plan->after.header,
    };
}

/*
 * One update: what plan->after.header has become, under the next sequence
 * number, to the slot that is not current.
 */
static void plan_write(VhdxHeaderPlan *plan)
{
    plan->after.slot = !plan->after.slot;
    plan->after.header.sequence++;
    plan_add(plan, VHDX_STEP_HEADER);
    plan_add(plan, VHDX_STEP_FLUSH);
}

/*
 * Sequence numbers are 64 bits that nobody uses up; a file whose number
 * leaves no room for a plan was made so.
 */
static bool plan_possible(const VhdxHeaderState *now, VhdxError *err)
{
    uint64_t at = vhdx_header_offset(now->slot);
    uint64_t max = UINT64_MAX - VHDX_PLAN_STEPS_MAX;

    if (now->header.sequence > max) {
        return header_error(err, VHDX_ERR_TOO_LARGE, "SequenceNumber", at + 8,
                            now->header.sequence, max);
    }
    if (!now->header.log_length) {
        return header_error(err, VHDX_ERR_ZERO, "LogLength", at + 68, 0, 0);
    }
    return true;
}

bool vhdx_plan_update(const VhdxHeaderState *now, const VhdxHeader *fields,
                      VhdxHeaderPlan *plan, VhdxError *err)
{
    VhdxHeaderState want = *now;

    want.header.log_length = fields->log_length;
    if (!plan_possible(&want, err)) {
        return false;
    }
    plan_begin(now, plan);
    plan->after.header = *fields;
    plan->after.header.sequence = now->header.sequence;
    plan_write(plan);
    plan_write(plan);
    return true;
}

bool vhdx_plan_replay(const VhdxHeaderState *now, const Guid *file_write_guid,
                      VhdxHeaderPlan *plan, VhdxError *err)
{
    VhdxHeader fields = now->header;

    fields.file_write_guid = *file_write_guid;
    return vhdx_plan_update(now, &fields, plan, err);
}

bool vhdx_plan_data_write(const VhdxHeaderState *now,
                          const Guid *data_write_guid, VhdxHeaderPlan *plan,
                          VhdxError *err)
{
    VhdxHeader fields = now->header;

    fields.data_write_guid = *data_write_guid;
    return vhdx_plan_update(now, &fields, plan, err);
}

bool vhdx_plan_log_start(const VhdxHeaderState *now,
                         const Guid *file_write_guid, const Guid *log_guid,
                         const Guid *data_write_guid, VhdxHeaderPlan *plan,
                         VhdxError *err)
{
    static const Guid none;

    assert(!guid_is_zero(log_guid));
    if (!plan_possible(now, err)) {
        return false;
    }
    plan_begin(now, plan);
    if (!guid_is_zero(&now->header.log_guid)) {
        /* What the older log holds must be durable before it is left. */
        plan_add(plan, VHDX_STEP_FLUSH);
    }
    /*
     * No current header may name a log while its ring is overwritten.  The
     * other slot may still name one: it is the next to be written.
     */
    if (file_write_guid || !guid_is_zero(&now->header.log_guid)) {
        plan->after.header.log_guid = none;
        if (file_write_guid) {
            plan->after.header.file_write_guid = *file_write_guid;
        }
        plan_write(plan);
    }
    plan->after.header.log_guid = *log_guid;
    plan->after.header.log_version = HEADER_LOG_VERSION;
    plan_add(plan, VHDX_STEP_LOG_START);
    plan_add(plan, VHDX_STEP_FLUSH);
    if (data_write_guid) {
        plan->after.header.data_write_guid = *data_write_guid;
    }
    plan_write(plan);
    plan_write(plan);
    return true;
}

bool vhdx_plan_log_end(const VhdxHeaderState *now, VhdxHeaderPlan *plan,
                       VhdxError *err)
{
    static const Guid none;

    if (!plan_possible(now, err)) {
        return false;
    }
    plan_begin(now, plan);
    plan_add(plan, VHDX_STEP_FLUSH);
    plan->after.header.log_guid = none;
    plan_write(plan);
    plan_write(plan);
    return true;
}
