/*
 * What a LUN announces of its third-party copy commands, and that it is true
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "scsi/constants.h"
#include "qobject/qdict.h"
#include "harness.h"

#define DISK_SIZE (16 * MiB)

static VtVm *start(const char *opts)
{
    VtVm *vm = vt_new();

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE, .opts = opts });
    vt_boot(vm);
    return vm;
}

/* Descriptor @type of page 8Fh, or NULL */
static const uint8_t *descriptor(const uint8_t *page, uint16_t type)
{
    unsigned len = 4 + lduw_be_p(page + 2);

    for (unsigned at = 4; at + 4 <= len; at += 4 + lduw_be_p(page + at + 2)) {
        if (lduw_be_p(page + at) == type) {
            return page + at;
        }
    }
    return NULL;
}

/* ---------------------------------------------------------------- INQUIRY */

static void test_standard_inquiry_has_3pc(void)
{
    VtVm *vm = start(NULL);
    uint8_t data[96];

    g_assert_cmphex(vt_inquiry(vm, 0, -1, data, 96), ==, 0);
    g_assert_cmphex(data[5] & 0x08, ==, 0x08);
    vt_free(vm);
}

static void test_short_inquiry_has_3pc(void)
{
    VtVm *vm = start(NULL);
    uint8_t data[6];

    /* 5 bytes end before the bit, 6 with it */
    g_assert_cmphex(vt_inquiry(vm, 0, -1, data, 5), ==, 0);
    g_assert_cmphex(vt_inquiry(vm, 0, -1, data, 6), ==, 0);
    g_assert_cmphex(data[5] & 0x08, ==, 0x08);
    vt_free(vm);
}

static void test_page_00_ascends_and_lists_8f(void)
{
    VtVm *vm = start("serial=x");
    uint8_t page[255];
    bool found = false;

    g_assert_cmphex(vt_inquiry(vm, 0, 0x00, page, sizeof(page)), ==, 0);
    g_assert_cmphex(page[1], ==, 0x00);
    g_assert_cmphex(page[4], ==, 0x00);
    for (unsigned i = 0; i < lduw_be_p(page + 2); i++) {
        uint8_t code = page[4 + i];
        uint8_t other[255];

        if (i) {
            g_assert_cmphex(code, >, page[3 + i]);
        }
        found |= code == 0x8f;
        /* what is listed is there */
        g_assert_cmphex(vt_inquiry(vm, 0, code, other, 255), ==, 0);
        g_assert_cmphex(other[1], ==, code);
    }
    g_assert_true(found);
    vt_free(vm);
}

static void test_page_8f_as_windows_reads_it(void)
{
    VtVm *vm = start("max-ranges=64,max-inactivity=1800,default-inactivity=20,"
                     "max-token-size=1073741824,optimal-size=67108864");
    uint8_t page[255];

    g_assert_cmphex(vt_inquiry(vm, 0, 0x8f, page, 255), ==, 0);
    g_assert_cmphex(page[0], ==, 0);
    g_assert_cmphex(page[1], ==, 0x8f);
    g_assert_cmpuint(lduw_be_p(page + 2), >=, 0x24);
    g_assert_cmphex(lduw_be_p(page + 4), ==, 0x0000);
    g_assert_cmphex(lduw_be_p(page + 6), ==, 0x0020);
    g_assert_cmpuint(lduw_be_p(page + 4 + 10), ==, 64);
    g_assert_cmpuint(ldl_be_p(page + 4 + 12), ==, 1800);
    g_assert_cmpuint(ldl_be_p(page + 4 + 16), ==, 20);
    g_assert_cmpuint(ldq_be_p(page + 4 + 20), ==, 1 * GiB / 512);
    g_assert_cmpuint(ldq_be_p(page + 4 + 28), ==, 64 * MiB / 512);
    vt_free(vm);
}

static void test_page_8f_descriptors_ascend(void)
{
    VtVm *vm = start(NULL);
    uint8_t page[1024];
    unsigned len, at, last = 0;

    g_assert_cmphex(vt_inquiry(vm, 0, 0x8f, page, 1024), ==, 0);
    len = 4 + lduw_be_p(page + 2);
    g_assert_cmpuint(len, <=, 1020);
    for (at = 4; at < len; at += 4 + lduw_be_p(page + at + 2)) {
        g_assert_cmpuint(lduw_be_p(page + at + 2) % 4, ==, 0);
        if (at > 4) {
            g_assert_cmphex(lduw_be_p(page + at), >, last);
        }
        last = lduw_be_p(page + at);
    }
    g_assert_cmpuint(at, ==, len);
    for (; at < sizeof(page); at++) {
        g_assert_cmphex(page[at], ==, 0);
    }
    vt_free(vm);
}

static void test_page_8f_truncates_without_changing(void)
{
    VtVm *vm = start(NULL);
    uint8_t whole[1024], part[64];

    g_assert_cmphex(vt_inquiry(vm, 0, 0x8f, whole, 1024), ==, 0);
    for (unsigned n = 1; n <= sizeof(part); n += 9) {
        g_assert_cmphex(vt_inquiry(vm, 0, 0x8f, part, n), ==, 0);
        g_assert_cmpmem(part, n, whole, n);
    }
    vt_free(vm);
}

/* Windows ignores Block Limits only if the target does not go by them */
static void test_page_8f_limits_agree_with_each_other(void)
{
    VtVm *vm = start(NULL);
    uint8_t page[1024], limits[64];
    const uint8_t *rod, *features;

    g_assert_cmphex(vt_inquiry(vm, 0, 0x8f, page, 1024), ==, 0);
    g_assert_cmphex(vt_inquiry(vm, 0, 0xb0, limits, 64), ==, 0);
    rod = descriptor(page, 0x0000);
    features = descriptor(page, 0x0106);
    g_assert_nonnull(features);
    /* block features */
    g_assert_cmphex(lduw_be_p(features + 50), ==, 0x002c);
    g_assert_cmpuint(ldq_be_p(features + 56), ==,
                     ldq_be_p(rod + 20) * 512);
    g_assert_cmpuint(ldq_be_p(features + 64), ==,
                     ldq_be_p(rod + 28) * 512);
    g_assert_cmpuint(ldl_be_p(features + 24), ==, ldl_be_p(rod + 12));
    vt_free(vm);
}

static void test_page_8f_limits_are_the_ones_in_force(void)
{
    VtVm *vm = start("max-ranges=2,max-inactivity=100,default-inactivity=10,"
                     "max-token-size=65536,optimal-size=32768");
    VscsiPt pt = vt_pt(0, 128);

    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0);
    pt = vt_pt(0, 129);
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0x052600);
    pt = vt_pt(0, 1);
    vt_range(&pt.ranges, 8, 1);
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0);
    vt_range(&pt.ranges, 16, 1);
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0x052608);
    pt = vt_pt(0, 1);
    pt.inactivity_s = 100;
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0);
    pt.inactivity_s = 101;
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0x052600);
    vt_free(vm);
}

static void test_one_naa_designator(void)
{
    const char *opts[] = { NULL, "wwn=0x5000c50015ea71ac", "serial=abc",
                           "device_id=dev,port_wwn=0x5000c50015ea71ad" };

    for (size_t i = 0; i < ARRAY_SIZE(opts); i++) {
        VtVm *vm = start(opts[i]);
        /* asserts that there is one */
        VscsiCscd cscd = vt_cscd(vm, 0);

        g_assert_cmpuint(cscd.designator.length, ==, 8);
        g_assert_cmphex(cscd.designator.code_set, ==, 1);
        if (i == 1) {
            g_assert_cmphex(ldq_be_p(cscd.designator.bytes), ==,
                            0x5000c50015ea71ac);
        } else {
            g_assert_cmphex(cscd.designator.bytes[0] >> 4, ==, 3);
        }
        vt_free(vm);
    }
}

static void test_naa_is_stable_and_unique(void)
{
    uint8_t first[8] = {};

    for (int run = 0; run < 2; run++) {
        VtVm *vm = vt_simple(2, DISK_SIZE);
        VscsiCscd a = vt_cscd(vm, 0), b = vt_cscd(vm, 1);

        g_assert_cmphex(ldq_be_p(a.designator.bytes), !=,
                        ldq_be_p(b.designator.bytes));
        if (run) {
            g_assert_cmpmem(first, 8, a.designator.bytes, 8);
        }
        memcpy(first, a.designator.bytes, 8);
        vt_free(vm);
    }
}

/* -------------------------------------------------------------------- RSOC */

static uint32_t rsoc(VtVm *vm, uint8_t options, uint8_t opcode, uint16_t sa,
                     void *buf, uint32_t alloc)
{
    uint8_t cdb[VSCSI_CDB_LEN] = { 0xa3, 0x0c, options, opcode };

    stw_be_p(cdb + 4, sa);
    stl_be_p(cdb + 6, alloc);
    return vt_in(vm, 0, cdb, buf, alloc);
}

/* SUPPORT of one command; @usage gets its map */
static unsigned support(VtVm *vm, uint8_t opcode, int sa, uint8_t *usage)
{
    uint8_t data[64];

    g_assert_cmphex(rsoc(vm, sa < 0 ? 1 : 2, opcode, MAX(sa, 0), data, 64), ==,
                    0);
    if (usage) {
        g_assert_cmpuint(lduw_be_p(data + 2), ==, VSCSI_CDB_LEN);
        memcpy(usage, data + 4, VSCSI_CDB_LEN);
    }
    return data[1] & 7;
}

static bool listed(const uint8_t *list, size_t entry, uint8_t opcode, int sa)
{
    unsigned len = ldl_be_p(list);

    for (unsigned at = 4; at < 4 + len; at += entry) {
        bool has_sa = list[at + 5] & 1;

        if (list[at] == opcode && has_sa == (sa >= 0) &&
            (!has_sa || lduw_be_p(list + at + 2) == sa)) {
            return true;
        }
    }
    return false;
}

static const struct {
    uint8_t opcode;
    uint8_t sa;
    uint8_t usage[VSCSI_CDB_LEN];
} copy_commands[] = {
    { 0x83, 0x00, { 0x83, 0x00, [10] = 255, 255, 255, 255, 0 } },
    { 0x83, 0x10, { 0x83, 0x10, [6] = 255, 255, 255, 255,
                    255, 255, 255, 255 } },
    { 0x83, 0x11, { 0x83, 0x11, [6] = 255, 255, 255, 255,
                    255, 255, 255, 255 } },
    { 0x83, 0x1c, { 0x83, 0x1c, 255, 255, 255, 255 } },
    { 0x84, 0x00, { 0x84, 0x00, 255, [10] = 255, 255, 255, 255 } },
    { 0x84, 0x03, { 0x84, 0x03, [10] = 255, 255, 255, 255 } },
    { 0x84, 0x04, { 0x84, 0x04, 255, [10] = 255, 255, 255, 255 } },
    { 0x84, 0x05, { 0x84, 0x05, 255, 255, 255, 255,
                    [10] = 255, 255, 255, 255 } },
    { 0x84, 0x07, { 0x84, 0x07, 255, 255, 255, 255,
                    [10] = 255, 255, 255, 255 } },
    { 0x84, 0x08, { 0x84, 0x08, [10] = 255, 255, 255, 255 } },
};

static void test_rsoc_lists_all(void)
{
    VtVm *vm = start(NULL);
    uint8_t list[4096], again[4096];
    unsigned len, n_copy = 0;

    g_assert_cmphex(rsoc(vm, 0, 0, 0, list, sizeof(list)), ==, 0);
    len = ldl_be_p(list);
    g_assert_cmpuint(len % 8, ==, 0);
    g_assert_cmpuint(len, <, sizeof(list) - 4);
    for (unsigned at = 4; at < 4 + len; at += 8) {
        g_assert_cmphex(list[at + 5] & 2, ==, 0);
        if (list[at] == 0x83 || list[at] == 0x84) {
            n_copy++;
            g_assert_cmpuint(lduw_be_p(list + at + 6), ==, 16);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(copy_commands); i++) {
        g_assert_true(listed(list, 8, copy_commands[i].opcode,
                             copy_commands[i].sa));
    }
    g_assert_cmpuint(n_copy, ==, ARRAY_SIZE(copy_commands));
    g_assert_true(listed(list, 8, 0x28, -1));
    g_assert_true(listed(list, 8, 0x12, -1));
    g_assert_true(listed(list, 8, 0xa3, 0x0c));
    /* truncated: the length says how much there is */
    g_assert_cmphex(rsoc(vm, 0, 0, 0, again, 100), ==, 0);
    g_assert_cmpmem(list, 100, again, 100);
    vt_free(vm);
}

static void test_rsoc_lists_all_with_timeouts(void)
{
    VtVm *vm = start(NULL);
    uint8_t list[8192], plain[4096];
    unsigned n;

    g_assert_cmphex(rsoc(vm, 0, 0, 0, plain, sizeof(plain)), ==, 0);
    g_assert_cmphex(rsoc(vm, 0x80, 0, 0, list, sizeof(list)), ==, 0);
    n = ldl_be_p(list) / 20;
    g_assert_cmpuint(ldl_be_p(list) % 20, ==, 0);
    g_assert_cmpuint(n, ==, ldl_be_p(plain) / 8);
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *entry = list + 4 + 20 * i;

        g_assert_cmphex(entry[5] & 2, ==, 2);
        g_assert_cmphex(entry[0], ==, plain[4 + 8 * i]);
        g_assert_cmphex(lduw_be_p(entry + 8), ==, 0x000a);
    }
    vt_free(vm);
}

static void test_rsoc_one_command_has_its_usage_map(void)
{
    VtVm *vm = start(NULL);
    uint8_t usage[VSCSI_CDB_LEN];

    for (size_t i = 0; i < ARRAY_SIZE(copy_commands); i++) {
        g_assert_cmpuint(support(vm, copy_commands[i].opcode,
                                 copy_commands[i].sa, usage), ==, 3);
        /* byte 14: GROUP NUMBER may be evaluated; 15: CONTROL */
        g_assert_cmpmem(usage, 14, copy_commands[i].usage, 14);
        g_assert_cmphex(usage[14] & ~0x1f, ==, 0);
    }
    vt_free(vm);
}

static void test_rsoc_one_command_with_timeouts(void)
{
    VtVm *vm = start(NULL);
    uint8_t data[64];

    g_assert_cmphex(rsoc(vm, 0x82, 0x83, 0x10, data, 64), ==, 0);
    g_assert_cmphex(data[1] & 0x87, ==, 0x83);
    g_assert_cmpuint(lduw_be_p(data + 2), ==, 16);
    g_assert_cmphex(lduw_be_p(data + 20), ==, 0x000a);
    vt_free(vm);
}

static void test_rsoc_refuses_wrong_forms(void)
{
    VtVm *vm = start(NULL);
    uint8_t data[64];

    /* 001b needs an opcode without service actions, 010b one with */
    g_assert_cmphex(rsoc(vm, 1, 0x83, 0, data, 64), ==, 0x052400);
    g_assert_cmphex(rsoc(vm, 2, 0x28, 0, data, 64), ==, 0x052400);
    g_assert_cmphex(rsoc(vm, 7, 0x28, 0, data, 64), ==, 0x052400);
    /* 011b takes both */
    g_assert_cmphex(rsoc(vm, 3, 0x28, 0, data, 64), ==, 0);
    g_assert_cmphex(data[1] & 7, ==, 3);
    g_assert_cmphex(rsoc(vm, 3, 0x83, 0x10, data, 64), ==, 0);
    g_assert_cmphex(data[1] & 7, ==, 3);
    /* another service action of A3h is as on scsi-hd */
    g_assert_cmphex(vt_in(vm, 0, (uint8_t[16]) { 0xa3, 0x0d, [9] = 64 }, data,
                          64), ==, 0x052000);
    g_assert_cmpuint(support(vm, 0x28, -1, NULL), ==, 3);
    g_assert_cmpuint(support(vm, 0xff, -1, NULL), ==, 1);
    vt_free(vm);
}

/* Page 8Fh's list of commands says the same as RSOC, for every code */
static void test_announcements_agree(void)
{
    VtVm *vm = start(NULL);
    uint8_t page[1024];
    const uint8_t *d;
    bool in_page[2][32] = {};

    g_assert_cmphex(vt_inquiry(vm, 0, 0x8f, page, sizeof(page)), ==, 0);
    d = descriptor(page, 0x0001);
    g_assert_nonnull(d);
    for (unsigned at = 5; at < 5 + d[4]; ) {
        uint8_t opcode = d[at++], n = d[at++];

        g_assert_true(opcode == 0x83 || opcode == 0x84);
        while (n--) {
            in_page[opcode - 0x83][d[at++] & 0x1f] = true;
        }
    }
    for (int opcode = 0x83; opcode <= 0x84; opcode++) {
        for (int sa = 0; sa < 32; sa++) {
            g_assert_cmpuint(support(vm, opcode, sa, NULL), ==,
                             in_page[opcode - 0x83][sa] ? 3 : 1);
        }
    }
    vt_free(vm);
}

/* ------------------------------------------------------------------- truth */

static bool is_announced(uint8_t opcode, uint8_t sa)
{
    for (size_t i = 0; i < ARRAY_SIZE(copy_commands); i++) {
        if (copy_commands[i].opcode == opcode && copy_commands[i].sa == sa) {
            return true;
        }
    }
    return false;
}

/* An announced one is never refused as unknown; all others are, by 24/00 */
static void test_every_service_action(void)
{
    VtVm *vm = start(NULL);
    uint8_t data[64];

    for (int sa = 0; sa < 32; sa++) {
        uint8_t out[VSCSI_CDB_LEN] = { 0x83, sa };
        uint8_t in[VSCSI_CDB_LEN] = { 0x84, sa, [13] = 64 };
        uint32_t got = vt_out(vm, 0, out, NULL, 0);

        if (!is_announced(0x83, sa) || sa == 0x1c) {
            /* nothing to abort */
            g_assert_cmphex(got, ==, 0x052400);
        } else {
            g_assert_cmphex(got, ==, 0);
        }
        got = vt_in(vm, 0, in, data, sizeof(data));
        if (sa == 0x03 || sa == 0x08) {
            g_assert_cmphex(got, ==, 0);
        } else {
            /* no such list identifier, or no such service action */
            g_assert_cmphex(got, ==, 0x052400);
        }
    }
    vt_free(vm);
}

/* The same with a list behind it: virtio-scsi knows the direction */
static void test_unknown_service_action_with_list(void)
{
    VtVm *vm = start(NULL);
    uint8_t list[64] = {};

    for (int sa = 0; sa < 32; sa++) {
        uint8_t out[VSCSI_CDB_LEN] = { 0x83, sa, [13] = 64 };

        if (!is_announced(0x83, sa)) {
            g_assert_cmphex(vt_out(vm, 0, out, list, sizeof(list)), ==,
                            0x052400);
        }
    }
    vt_free(vm);
}

static void test_every_listed_disk_command_is_served(void)
{
    VtVm *vm = start(NULL);
    uint8_t list[4096];

    g_assert_cmphex(rsoc(vm, 0, 0, 0, list, sizeof(list)), ==, 0);
    for (unsigned at = 4; at < 4 + ldl_be_p(list); at += 8) {
        uint8_t cdb[VSCSI_CDB_LEN] = { list[at] };
        uint32_t got;

        if (list[at] == 0x1b) {
            continue;           /* START STOP UNIT: would eject */
        }
        if (list[at + 5] & 1) {
            cdb[1] = lduw_be_p(list + at + 2);
        }
        got = vt_out(vm, 0, cdb, NULL, 0);
        g_test_message("%02x/%02x: %06x", cdb[0], cdb[1], got);
        g_assert_cmphex(got, !=, 0x052000);
        vt_test_unit_ready(vm, 0);
    }
    vt_free(vm);
}

/* ------------------------------------------------------------- offload=off */

static void test_offload_off_announces_nothing(void)
{
    VtVm *vm = start("offload=off,wwn=0x5000c50015ea71ac");
    uint8_t page[255];

    g_assert_cmphex(vt_inquiry(vm, 0, -1, page, 96), ==, 0);
    g_assert_cmphex(page[5] & 0x08, ==, 0);
    g_assert_cmphex(vt_inquiry(vm, 0, 0x00, page, 255), ==, 0);
    for (unsigned i = 0; i < lduw_be_p(page + 2); i++) {
        g_assert_cmphex(page[4 + i], !=, 0x8f);
    }
    g_assert_cmphex(vt_inquiry(vm, 0, 0x8f, page, 255), ==, 0x052400);
    vt_free(vm);
}

static void test_offload_off_serves_nothing(void)
{
    VtVm *vm = start("offload=off");
    uint8_t data[64] = {};
    VscsiPt pt = vt_pt(0, 8);

    for (int sa = 0; sa < 32; sa++) {
        uint8_t out[VSCSI_CDB_LEN] = { 0x83, sa, [13] = 64 };
        uint8_t in[VSCSI_CDB_LEN] = { 0x84, sa, [13] = 64 };

        g_assert_cmphex(vt_out(vm, 0, out, data, 64), ==, 0x052000);
        g_assert_cmphex(vt_in(vm, 0, in, data, 64), ==, 0x052000);
    }
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0x052000);
    vt_free(vm);
}

/* --------------------------------------------- directions of 83h and 84h */

/* Not an overrun: the controller must know that 83h sends data */
static void test_directions_on_other_luns(gconstpointer device)
{
    VtVm *vm = vt_new();
    VscsiPt pt = vt_pt(0, 8);
    uint8_t in[VSCSI_CDB_LEN] = { 0x84, 0x07, [13] = 64 };
    uint8_t data[64];

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE, .device = device });
    vt_boot(vm);
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0x052000);
    g_assert_cmphex(vt_in(vm, 0, in, data, sizeof(data)), ==, 0x052000);
    vt_free(vm);
}

/* Then the bus answers, which knows nothing of the LUN's type */
static void test_directions_under_a_unit_attention(void)
{
    VtVm *vm = vt_new();
    VscsiPt pt = vt_pt(0, 8);

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE });
    vm->keep_attention = true;
    vt_boot(vm);
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0x062900);
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0);
    vt_free(vm);
}

/* ------------------------------------------------------- device properties */

static void refused(const char *json, const char *value)
{
    VtVm *vm = vt_new();
    unsigned disk;
    QDict *resp;
    const char *desc;

    vt_hba(vm, NULL);
    disk = vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE, .cold = true });
    vt_boot(vm);
    resp = qtest_qmp(vm->qts, "{'execute': 'device_add', 'arguments': "
                     "{'driver': 'vscsi-hd', 'id': 'bad', 'bus': 'hba0.0', "
                     "'drive': %s, %s: %lld}}", vm->disk[disk].node, json,
                     (long long)g_ascii_strtoll(value, NULL, 10));
    g_assert_true(qdict_haskey(resp, "error"));
    desc = qdict_get_str(qdict_get_qdict(resp, "error"), "desc");
    g_test_message("%s", desc);
    g_assert_nonnull(strstr(desc, json));
    g_assert_nonnull(strstr(desc, value));
    qobject_unref(resp);
    /* and the node is free again */
    vt_plug(vm, disk);
    g_assert_cmphex(vt_test_unit_ready(vm, disk) >> 16, ==, 6);
    vt_free(vm);
}

static void test_bad_property(const void *opaque)
{
    g_auto(GStrv) pair = g_strsplit(opaque, "=", 2);

    refused(pair[0], pair[1]);
}

static const char *const bad_properties[] = {
    "max-ranges=0", "max-ranges=257", "max-token-size=0", "max-token-size=1000",
    "max-token-size=4398046511104", "optimal-size=0", "optimal-size=513",
    "optimal-size=2199023255552", "default-inactivity=0",
    "default-inactivity=3601", "max-tokens=0", "max-tokens=65537",
    "max-copies=0", "max-copies=256", "sync-time=99", "retention=0",
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, fn) qtest_add_func("/vscsi/discovery/" path, fn)
    ADD("standard-inquiry-has-3pc", test_standard_inquiry_has_3pc);
    ADD("short-inquiry-has-3pc", test_short_inquiry_has_3pc);
    ADD("page-00-ascends-and-lists-8f", test_page_00_ascends_and_lists_8f);
    ADD("page-8f/as-windows-reads-it", test_page_8f_as_windows_reads_it);
    ADD("page-8f/descriptors-ascend", test_page_8f_descriptors_ascend);
    ADD("page-8f/truncates", test_page_8f_truncates_without_changing);
    ADD("page-8f/limits-agree", test_page_8f_limits_agree_with_each_other);
    ADD("page-8f/limits-in-force", test_page_8f_limits_are_the_ones_in_force);
    ADD("page-83/one-naa", test_one_naa_designator);
    ADD("page-83/naa-stable-and-unique", test_naa_is_stable_and_unique);
    ADD("rsoc/all", test_rsoc_lists_all);
    ADD("rsoc/all-with-timeouts", test_rsoc_lists_all_with_timeouts);
    ADD("rsoc/one-command", test_rsoc_one_command_has_its_usage_map);
    ADD("rsoc/one-command-with-timeouts", test_rsoc_one_command_with_timeouts);
    ADD("rsoc/refuses-wrong-forms", test_rsoc_refuses_wrong_forms);
    ADD("announcements-agree", test_announcements_agree);
    ADD("every-service-action", test_every_service_action);
    ADD("unknown-service-action-with-list",
        test_unknown_service_action_with_list);
    ADD("every-listed-disk-command-is-served",
        test_every_listed_disk_command_is_served);
    ADD("offload-off/announces-nothing", test_offload_off_announces_nothing);
    ADD("offload-off/serves-nothing", test_offload_off_serves_nothing);
    qtest_add_data_func("/vscsi/discovery/directions/scsi-hd", "scsi-hd",
                        test_directions_on_other_luns);
    qtest_add_data_func("/vscsi/discovery/directions/scsi-cd", "scsi-cd",
                        test_directions_on_other_luns);
    ADD("directions/unit-attention", test_directions_under_a_unit_attention);
    for (size_t i = 0; i < ARRAY_SIZE(bad_properties); i++) {
        g_autofree char *path =
            g_strdup_printf("/vscsi/discovery/property/%s", bad_properties[i]);

        qtest_add_data_func(path, bad_properties[i], test_bad_property);
    }
    return g_test_run();
}
