/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VHDX file identifier, headers, and the plans of header updates.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "unit.h"
#include "vhdx-fixture.h"

#define FILE_SIZE (8 * VHDX_MIB)

static VhdxHeader header_plain(void)
{
    return (VhdxHeader) {
        .sequence = 7,
        .file_write_guid = vhdx_test_guid(1),
        .data_write_guid = vhdx_test_guid(2),
        .log_guid = vhdx_test_guid(3),
        .version = 1,
        .log_length = VHDX_MIB,
        .log_offset = VHDX_MIB,
    };
}

/* ---- file identifier ---- */

START_TEST(identifier_both_ways)
{
    static const char *creators[] = { "", "vscsi 1", "\xf0\x9f\x92\xbe" };
    uint8_t *buf = malloc(VHDX_IDENTIFIER_LEN);

    for (unsigned i = 0; i < ARRAY_SIZE(creators); i++) {
        g_autofree char *creator = NULL;

        vhdx_identifier_encode(buf, creators[i]);
        ck_assert_mem_eq(buf, "vhdxfile", 8);
        ck_assert(vhdx_identifier_decode(buf, VHDX_IDENTIFIER_LEN, &creator,
                                         NULL));
        ck_assert_str_eq(creator, creators[i]);
    }
    free(buf);
}
END_TEST

START_TEST(identifier_long_creator_is_cut_between_characters)
{
    uint8_t *buf = malloc(VHDX_IDENTIFIER_LEN);
    g_autofree char *creator = NULL;
    GString *longer = g_string_new("x");

    /* Pairs of units from unit 1 on: the last would be cut in two. */
    for (unsigned i = 0; i < 200; i++) {
        g_string_append(longer, "\xf0\x9f\x92\xbe");
    }
    vhdx_identifier_encode(buf, longer->str);
    ck_assert(vhdx_identifier_decode(buf, VHDX_IDENTIFIER_LEN, &creator,
                                     NULL));
    ck_assert_ptr_nonnull(creator);
    ck_assert_uint_eq(strlen(creator), 1 + 4 * 127);
    ck_assert(g_str_has_prefix(longer->str, creator));
    g_string_free(longer, true);
    free(buf);
}
END_TEST

START_TEST(identifier_of_any_length)
{
    uint8_t full[600];
    uint8_t *big = malloc(VHDX_IDENTIFIER_LEN);

    vhdx_identifier_encode(big, "a creator");
    memcpy(full, big, sizeof(full));
    /* No final zero anywhere: the text ends with its field. */
    memset(full + 26, 'x', sizeof(full) - 26);
    for (size_t len = 0; len <= sizeof(full); len++) {
        uint8_t *exact = unit_exact(full, len);
        g_autofree char *creator = NULL;
        VhdxError err = { 0 };
        bool ok = vhdx_identifier_decode(exact, len, &creator, &err);

        ck_assert_int_eq(vhdx_result(ok, &err),
                         len < 8 ? VHDX_ERR_TRUNCATED : VHDX_ERR_NONE);
        free(exact);
    }
    big[3] ^= 1;
    VhdxError err = { 0 };
    vhdx_assert_refused("signature",
                        vhdx_identifier_decode(big, 8, NULL, &err), &err,
                        VHDX_ERR_SIGNATURE, 0);
    free(big);
}
END_TEST

START_TEST(identifier_bad_creator_is_no_error)
{
    uint8_t buf[600] = "vhdxfile";
    char *creator = buf[0] ? (char *)buf : NULL;

    stw_le_p(buf + 8, 0xdc00);
    ck_assert(vhdx_identifier_decode(buf, sizeof(buf), &creator, NULL));
    ck_assert_ptr_null(creator);
}
END_TEST

/* ---- one header ---- */

static void assert_header_eq(const VhdxHeader *a, const VhdxHeader *b)
{
    ck_assert_uint_eq(a->sequence, b->sequence);
    vhdx_assert_guid_eq(&a->file_write_guid, &b->file_write_guid);
    vhdx_assert_guid_eq(&a->data_write_guid, &b->data_write_guid);
    vhdx_assert_guid_eq(&a->log_guid, &b->log_guid);
    ck_assert_uint_eq(a->log_version, b->log_version);
    ck_assert_uint_eq(a->version, b->version);
    ck_assert_uint_eq(a->log_length, b->log_length);
    ck_assert_uint_eq(a->log_offset, b->log_offset);
}

START_TEST(header_both_ways)
{
    uint8_t buf[VHDX_HEADER_LEN];
    VhdxHeader header = header_plain(), back;

    header.sequence = 0x1122334455667788;
    header.log_version = 0x99aa;
    header.version = 0xbbcc;
    header.log_offset = 0x8877665544332211;
    memset(buf, 0xff, sizeof(buf));
    vhdx_header_encode(buf, &header);
    ck_assert(vhdx_header_decode(buf, sizeof(buf), 0, &back, NULL));
    assert_header_eq(&header, &back);
    ck_assert_mem_eq(buf, "head", 4);
    ck_assert_uint_eq(buf[8], 0x88);
    ck_assert_uint_eq(buf[64], 0xaa);
    ck_assert_uint_eq(buf[66], 0xcc);
    ck_assert_uint_eq(buf[72], 0x11);
    for (size_t i = VHDX_HEADER_USED; i < sizeof(buf); i++) {
        ck_assert_uint_eq(buf[i], 0);
    }
}
END_TEST

START_TEST(header_cut_off_is_refused)
{
    uint8_t buf[VHDX_HEADER_LEN];
    VhdxHeader header = header_plain();

    vhdx_header_encode(buf, &header);
    for (size_t len = 0; len < sizeof(buf); len++) {
        uint8_t *exact = unit_exact(buf, len);
        VhdxError err = { 0 };

        vhdx_assert_refused("cut", vhdx_header_decode(exact, len,
                            VHDX_HEADER_2, &header, &err), &err,
                            VHDX_ERR_TRUNCATED, VHDX_HEADER_2);
        ck_assert_uint_eq(err.value, len);
        free(exact);
    }
}
END_TEST

START_TEST(header_of_one_flipped_bit_is_refused)
{
    uint8_t buf[VHDX_HEADER_LEN];
    VhdxHeader header = header_plain();

    vhdx_header_encode(buf, &header);
    for (size_t bit = 0; bit < 8 * sizeof(buf);
         bit += bit < 8 * VHDX_HEADER_USED ? 1 : 61) {
        VhdxError err = { 0 };

        buf[bit / 8] ^= 1 << bit % 8;
        vhdx_assert_refused("flip", vhdx_header_decode(buf, sizeof(buf),
                            VHDX_HEADER_1, &header, &err), &err,
                            bit < 32 ? VHDX_ERR_SIGNATURE
                                     : VHDX_ERR_CHECKSUM, VHDX_HEADER_1);
        buf[bit / 8] ^= 1 << bit % 8;
    }
}
END_TEST

static const struct {
    const char *name;
    enum { VERSION, LOG_VERSION, LOG_LENGTH, LOG_OFFSET } field;
    uint64_t value;
    bool no_log;                /* LogGuid is zero */
    int code;
    unsigned at;
} header_checks[] = {
    { "plain", VERSION, 1, false, 0, 0 },
    { "version 0", VERSION, 0, false, VHDX_ERR_VERSION, 66 },
    { "version 2", VERSION, 2, false, VHDX_ERR_VERSION, 66 },
    { "log version", LOG_VERSION, 1, false, VHDX_ERR_VERSION, 64 },
    { "log version, no log", LOG_VERSION, 1, true, 0, 0 },
    { "log length 0", LOG_LENGTH, 0, false, VHDX_ERR_ZERO, 68 },
    { "log length 0, no log", LOG_LENGTH, 0, true, 0, 0 },
    { "log length unaligned", LOG_LENGTH, VHDX_MIB + 4096, true,
      VHDX_ERR_ALIGNMENT, 68 },
    { "log length 1", LOG_LENGTH, 1, false, VHDX_ERR_ALIGNMENT, 68 },
    { "log to the end", LOG_LENGTH, 7 * VHDX_MIB, false, 0, 0 },
    { "log past the end", LOG_LENGTH, 8 * VHDX_MIB, false,
      VHDX_ERR_BEYOND, 72 },
    { "log length max", LOG_LENGTH, 0xfff00000, true, VHDX_ERR_BEYOND,
      72 },
    { "log offset 0", LOG_OFFSET, 0, true, VHDX_ERR_TOO_SMALL, 72 },
    { "log offset unaligned", LOG_OFFSET, VHDX_MIB + 512, false,
      VHDX_ERR_ALIGNMENT, 72 },
    { "log at the end", LOG_OFFSET, 7 * VHDX_MIB, false, 0, 0 },
    { "log behind the end", LOG_OFFSET, 8 * VHDX_MIB, false,
      VHDX_ERR_BEYOND, 72 },
    { "log offset overflows", LOG_OFFSET, 0xfffffffffff00000, false,
      VHDX_ERR_TOO_LARGE, 72 },
    { "log offset 2^63", LOG_OFFSET, 1ULL << 63, false,
      VHDX_ERR_TOO_LARGE, 72 },
};

START_TEST(header_check_table)
{
    VhdxHeader header = header_plain();
    VhdxError err = { 0 };
    const char *name = header_checks[_i].name;
    bool ok;

    switch (header_checks[_i].field) {
    case VERSION:
        header.version = header_checks[_i].value;
        break;
    case LOG_VERSION:
        header.log_version = header_checks[_i].value;
        break;
    case LOG_LENGTH:
        header.log_length = header_checks[_i].value;
        break;
    case LOG_OFFSET:
        header.log_offset = header_checks[_i].value;
        break;
    }
    if (header_checks[_i].no_log) {
        header.log_guid = (Guid) { { 0 } };
    }
    ok = vhdx_header_check(&header, VHDX_HEADER_1, FILE_SIZE, &err);
    if (header_checks[_i].code) {
        vhdx_assert_refused(name, ok, &err, header_checks[_i].code,
                            VHDX_HEADER_1 + header_checks[_i].at);
    } else {
        ck_assert_msg(ok, "%s: refused", name);
    }
}
END_TEST

/* ---- two headers ---- */

/* Sequence numbers, 0: damaged; which is current, -1: refused. */
static const struct {
    uint64_t sequence[2];
    bool differ;                /* in another field */
    int current;
} choices[] = {
    { { 5, 6 }, true, 1 },
    { { 6, 5 }, true, 0 },
    { { UINT64_MAX, 1 }, true, 0 },
    { { 1, UINT64_MAX }, true, 1 },
    { { 5, 0 }, false, 0 },
    { { 0, 5 }, false, 1 },
    { { 0, 0 }, false, -1 },
    { { 5, 5 }, false, 0 },
    { { 5, 5 }, true, -1 },
};

START_TEST(headers_choice)
{
    uint8_t slot[2][VHDX_HEADER_LEN];
    VhdxHeaderState now;
    VhdxError other = { .code = VHDX_ERR_MAX }, err = { 0 };
    bool ok;

    for (unsigned i = 0; i < 2; i++) {
        VhdxHeader header = header_plain();

        header.sequence = choices[_i].sequence[i];
        if (choices[_i].differ && i) {
            header.data_write_guid = vhdx_test_guid(99);
        }
        vhdx_header_encode(slot[i], &header);
        if (!header.sequence) {
            slot[i][500] ^= 1;
        }
    }
    ok = vhdx_headers_choose(slot[0], sizeof(slot[0]), slot[1],
                             sizeof(slot[1]), &now, &other, &err);
    ck_assert_int_eq(ok, choices[_i].current >= 0);
    if (!ok) {
        ck_assert_int_eq(err.code, choices[_i].sequence[0]
                                   ? VHDX_ERR_DIFFERENT : VHDX_ERR_CHECKSUM);
        return;
    }
    ck_assert_uint_eq(now.slot, choices[_i].current);
    ck_assert_uint_eq(now.header.sequence,
                      choices[_i].sequence[choices[_i].current]);
    ck_assert_int_eq(other.code, choices[_i].sequence[!now.slot]
                                 ? VHDX_ERR_NONE : VHDX_ERR_CHECKSUM);
}
END_TEST

START_TEST(headers_equal_but_for_reserved_bytes)
{
    uint8_t slot[2][VHDX_HEADER_LEN];
    VhdxHeader header = header_plain();
    VhdxHeaderState now;

    vhdx_header_encode(slot[0], &header);
    vhdx_header_encode(slot[1], &header);
    slot[1][VHDX_HEADER_USED] = 1;
    stl_le_p(slot[1] + 4, vhdx_checksum(slot[1], VHDX_HEADER_LEN, 4));
    /* Then the checksums differ, which are among the 80 bytes. */
    ck_assert(!vhdx_headers_choose(slot[0], sizeof(slot[0]), slot[1],
                                   sizeof(slot[1]), &now, NULL, NULL));
    ck_assert(vhdx_headers_choose(slot[0], sizeof(slot[0]), slot[1], 4095,
                                  &now, NULL, NULL));
    ck_assert_uint_eq(now.slot, 0);
}
END_TEST

/* ---- plans, carried out on a file that crashes ---- */

/* What is on disk, and the LogGuid of the ring's only active sequence. */
typedef struct Disk {
    uint8_t slot[2][VHDX_HEADER_LEN];
    Guid ring;
} Disk;

static void disk_read(const Disk *disk, VhdxHeaderState *now)
{
    VhdxError err = { 0 };

    ck_assert_msg(vhdx_headers_choose(disk->slot[0], VHDX_HEADER_LEN,
                                      disk->slot[1], VHDX_HEADER_LEN, now,
                                      NULL, &err),
                  "no current header, code %d", err.code);
}

/* After a crash: a current header, whose log is there if it names one. */
static VhdxHeaderState disk_check(const Disk *disk)
{
    VhdxHeaderState now;

    disk_read(disk, &now);
    ck_assert_msg(guid_is_zero(&now.header.log_guid) ||
                  guid_equal(&now.header.log_guid, &disk->ring),
                  "LogGuid without its log");
    return now;
}

/*
 * Carry out @plan and crash at every step: the write not at all, torn after
 * each piece of @tear bytes, or whole.  What was not flushed may be missing;
 * every step but a flush is followed by one, so that is the last write only.
 */
static void plan_crash(const Disk *start, const VhdxHeaderPlan *plan,
                       size_t tear)
{
    Disk disk = *start;
    VhdxHeaderState now;
    bool dirty = false;

    disk_check(&disk);
    for (unsigned i = 0; i < plan->n; i++) {
        const VhdxStep *step = &plan->step[i];
        uint8_t buf[VHDX_HEADER_LEN];
        uint8_t *slot = disk.slot[step->slot];

        ck_assert_msg(step->kind == VHDX_STEP_FLUSH || !dirty,
                      "two writes without a flush between");
        dirty = step->kind != VHDX_STEP_FLUSH;
        switch (step->kind) {
        case VHDX_STEP_HEADER:
            vhdx_header_encode(buf, &step->header);
            for (size_t len = 0; len < sizeof(buf); len += tear) {
                Disk torn = disk;

                memcpy(torn.slot[step->slot], buf, len);
                disk_check(&torn);
            }
            memcpy(slot, buf, sizeof(buf));
            break;
        case VHDX_STEP_LOG_START:
            /* Torn: the former entries are gone, the new one is not there. */
            disk.ring = (Guid) { { 0 } };
            disk_check(&disk);
            disk.ring = step->header.log_guid;
            break;
        case VHDX_STEP_FLUSH:
            break;
        }
        disk_check(&disk);
    }
    ck_assert(!dirty);
    now = disk_check(&disk);
    ck_assert_uint_eq(now.slot, plan->after.slot);
    assert_header_eq(&now.header, &plan->after.header);
}

/* A file of which slot @current is current, and other fields are @other's. */
static Disk disk_make(unsigned current, const Guid *log, const Guid *other,
                      VhdxHeaderState *now)
{
    Disk disk = { .ring = *log };
    VhdxHeader header = header_plain();

    header.log_guid = *other;
    header.sequence = 20;
    vhdx_header_encode(disk.slot[!current], &header);
    header.log_guid = *log;
    header.sequence = 21;
    vhdx_header_encode(disk.slot[current], &header);
    disk_read(&disk, now);
    ck_assert_uint_eq(now->slot, current);
    return disk;
}

/* Every start: clean or dirty, other slot clean, dirty, or of another log. */
START_TEST(plans_leave_a_good_header_wherever_they_crash)
{
    static const size_t tears[] = { 8, 512, 4096 };
    const Guid none = { { 0 } }, logs[] = { none, vhdx_test_guid(50),
                                            vhdx_test_guid(51) };
    Guid file = vhdx_test_guid(60), log = vhdx_test_guid(61);
    Guid data = vhdx_test_guid(62);
    unsigned current = _i & 1, mine = _i / 2 % 2, other = _i / 4 % 3;
    size_t tear = tears[_i / 12];
    VhdxHeaderState now;
    Disk disk = disk_make(current, &logs[mine], &logs[other], &now);
    VhdxHeaderPlan plan;

    ck_assert(vhdx_plan_replay(&now, &file, &plan, NULL));
    plan_crash(&disk, &plan, tear);
    ck_assert(guid_equal(&plan.after.header.log_guid, &logs[mine]));
    ck_assert(guid_equal(&plan.after.header.file_write_guid, &file));
    ck_assert(guid_equal(&plan.after.header.data_write_guid,
                         &now.header.data_write_guid));

    for (unsigned with = 0; with < 4; with++) {
        ck_assert(vhdx_plan_log_start(&now, with & 1 ? &file : NULL, &log,
                                      with & 2 ? &data : NULL, &plan, NULL));
        plan_crash(&disk, &plan, tear);
        ck_assert(guid_equal(&plan.after.header.log_guid, &log));
        ck_assert(guid_equal(&plan.after.header.file_write_guid,
                             with & 1 ? &file
                                      : &now.header.file_write_guid));
        ck_assert(guid_equal(&plan.after.header.data_write_guid,
                             with & 2 ? &data
                                      : &now.header.data_write_guid));
    }

    ck_assert(vhdx_plan_data_write(&now, &data, &plan, NULL));
    plan_crash(&disk, &plan, tear);
    ck_assert(guid_equal(&plan.after.header.data_write_guid, &data));

    ck_assert(vhdx_plan_log_end(&now, &plan, NULL));
    plan_crash(&disk, &plan, tear);
    ck_assert(guid_is_zero(&plan.after.header.log_guid));
    ck_assert_int_eq(plan.step[0].kind, VHDX_STEP_FLUSH);
}
END_TEST

/* The last two headers of a plan, one in each slot, agree. */
static void assert_slots_agree(const VhdxHeaderPlan *plan)
{
    const VhdxHeader *last[2] = { NULL, NULL };

    for (unsigned i = 0; i < plan->n; i++) {
        if (plan->step[i].kind == VHDX_STEP_HEADER) {
            last[plan->step[i].slot] = &plan->step[i].header;
        }
    }
    ck_assert(last[0] && last[1]);
    VhdxHeader a = *last[0];
    a.sequence = last[1]->sequence;
    assert_header_eq(&a, last[1]);
}

START_TEST(plans_leave_both_slots_alike)
{
    const Guid none = { { 0 } }, guid = vhdx_test_guid(60);
    VhdxHeaderState now;
    VhdxHeaderPlan plan;

    disk_make(0, &none, &none, &now);
    ck_assert(vhdx_plan_replay(&now, &guid, &plan, NULL));
    assert_slots_agree(&plan);
    ck_assert(vhdx_plan_data_write(&now, &guid, &plan, NULL));
    assert_slots_agree(&plan);
    ck_assert(vhdx_plan_log_start(&now, &guid, &guid, &guid, &plan, NULL));
    assert_slots_agree(&plan);
    ck_assert(vhdx_plan_log_end(&now, &plan, NULL));
    assert_slots_agree(&plan);
}
END_TEST

START_TEST(plan_log_start_changes_file_guid_before_the_log)
{
    const Guid none = { { 0 } }, guid = vhdx_test_guid(60);
    VhdxHeaderState now;
    VhdxHeaderPlan plan;

    disk_make(1, &none, &none, &now);
    ck_assert(vhdx_plan_log_start(&now, &guid, &guid, NULL, &plan, NULL));
    ck_assert_int_eq(plan.step[0].kind, VHDX_STEP_HEADER);
    ck_assert(guid_equal(&plan.step[0].header.file_write_guid, &guid));
    ck_assert(guid_is_zero(&plan.step[0].header.log_guid));
    ck_assert_int_eq(plan.step[1].kind, VHDX_STEP_FLUSH);
    ck_assert_int_eq(plan.step[2].kind, VHDX_STEP_LOG_START);
}
END_TEST

START_TEST(plan_is_refused_without_sequence_numbers_or_log)
{
    const Guid none = { { 0 } }, guid = vhdx_test_guid(60);
    VhdxHeaderState now;
    VhdxHeaderPlan plan;
    VhdxError err = { 0 };

    disk_make(0, &none, &none, &now);
    now.header.sequence = UINT64_MAX - VHDX_PLAN_STEPS_MAX;
    ck_assert(vhdx_plan_log_end(&now, &plan, NULL));
    now.header.sequence++;
    vhdx_assert_refused("replay", vhdx_plan_replay(&now, &guid, &plan, &err),
                        &err, VHDX_ERR_TOO_LARGE, VHDX_HEADER_1 + 8);
    vhdx_assert_refused("end", vhdx_plan_log_end(&now, &plan, &err), &err,
                        VHDX_ERR_TOO_LARGE, VHDX_HEADER_1 + 8);
    now.header.sequence = 9;
    now.header.log_length = 0;
    vhdx_assert_refused("start", vhdx_plan_log_start(&now, &guid, &guid, NULL,
                        &plan, &err), &err, VHDX_ERR_ZERO,
                        VHDX_HEADER_1 + 68);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vhdx-header");
    TCase *tc = unit_case(suite, "identifier");

    tcase_add_test(tc, identifier_both_ways);
    tcase_add_test(tc, identifier_long_creator_is_cut_between_characters);
    tcase_add_test(tc, identifier_of_any_length);
    tcase_add_test(tc, identifier_bad_creator_is_no_error);
    tc = unit_case(suite, "header");
    tcase_add_test(tc, header_both_ways);
    tcase_add_test(tc, header_cut_off_is_refused);
    tcase_add_test(tc, header_of_one_flipped_bit_is_refused);
    tcase_add_loop_test(tc, header_check_table, 0,
                        ARRAY_SIZE(header_checks));
    tcase_add_loop_test(tc, headers_choice, 0, ARRAY_SIZE(choices));
    tcase_add_test(tc, headers_equal_but_for_reserved_bytes);
    tc = unit_case(suite, "plan");
    tcase_add_loop_test(tc, plans_leave_a_good_header_wherever_they_crash, 0,
                        36);
    tcase_add_test(tc, plans_leave_both_slots_alike);
    tcase_add_test(tc, plan_log_start_changes_file_guid_before_the_log);
    tcase_add_test(tc, plan_is_refused_without_sequence_numbers_or_log);
    return unit_run(suite);
}
