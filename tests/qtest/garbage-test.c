/*
 * Random and mutated third-party copy commands: QEMU lives, others' data too
 *
 * Disk 0 is the source of all tokens and must never change; disk 1 takes what
 * comes; disk 2 belongs to another controller and is touched by nobody.  The
 * seed is printed; VSCSI_SEED gives it back.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "harness.h"
#include "standard-headers/linux/virtio_scsi.h"

#define SIZE    (4 * MiB)
#define BLOCKS  (SIZE / 512)
#define ROUNDS  1500

typedef struct Garbage {
    VtVm *vm;
    GRand *rand;
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiCscd cscd;             /* disk 1 */
} Garbage;

static uint32_t pick(Garbage *g, uint32_t n)
{
    return g_rand_int_range(g->rand, 0, n);
}

static void start(Garbage *g, const char *hba_opts)
{
    VtVm *vm = vt_new();

    g->vm = vm;
    g->rand = g_rand_new_with_seed(vt_seed());
    vt_arg(vm, "-object iothread,id=io0");
    vt_hba(vm, hba_opts);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .read_only = true });
    vt_disk(vm, &(VtDiskConf) {
        .size = SIZE, .opts = "max-copies=4,max-tokens=20",
    });
    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_fill(vm, 2, 0, SIZE, 3);
    vt_boot(vm);
    g->cscd = vt_cscd(vm, 1);
}

/* The LUN still does the right thing */
static void check(Garbage *g)
{
    VtVm *vm = g->vm;

    while (vt_test_unit_ready(vm, 0) || vt_test_unit_ready(vm, 1)) {
        /* each ends one unit attention */
    }
    vt_token(vm, 0, 0, BLOCKS, g->token);
    g_assert_cmphex(vt_use(vm, 1, g->token, 0, BLOCKS), ==, 0);
    g_assert_true(vt_has(vm, 1, 0, SIZE, 1, 0));
}

static void finish(Garbage *g)
{
    check(g);
    g_assert_true(vt_has(g->vm, 0, 0, SIZE, 1, 0));
    g_assert_true(vt_has(g->vm, 2, 0, SIZE, 3, 0));
    vt_free(g->vm);
    g_rand_free(g->rand);
}

/* Flip, set, or cut some bytes */
static void mutate(Garbage *g, uint8_t *buf, size_t len)
{
    static const uint8_t special[] = { 0x00, 0x01, 0x7f, 0x80, 0xff, 0x10 };

    for (unsigned n = pick(g, 4); n && len; n--) {
        size_t at = pick(g, len);

        switch (pick(g, 3)) {
        case 0:
            buf[at] ^= 1 << pick(g, 8);
            break;
        case 1:
            buf[at] = special[pick(g, ARRAY_SIZE(special))];
            break;
        default:
            buf[at] = pick(g, 256);
            break;
        }
    }
}

static uint64_t some_lba(Garbage *g)
{
    switch (pick(g, 6)) {
    case 0:
        return BLOCKS - pick(g, 4);
    case 1:
        return (uint64_t)g_rand_int(g->rand) << 32 | g_rand_int(g->rand);
    default:
        return pick(g, BLOCKS);
    }
}

static void some_ranges(Garbage *g, VscsiRangeList *list)
{
    *list = (VscsiRangeList) {};
    for (unsigned n = pick(g, 8) ? pick(g, 8) : pick(g, 256); n; n--) {
        vt_range(list, some_lba(g), pick(g, 16) ? pick(g, 64) :
                 g_rand_int(g->rand));
    }
}

/* A list that may be good, up to mutations; its length */
static size_t some_list(Garbage *g, VscsiCommand command, uint8_t *buf,
                        size_t size)
{
    size_t len;

    if (command == VSCSI_CMD_POPULATE_TOKEN) {
        VscsiPt pt = { .immed = pick(g, 2), .rtv = !pick(g, 8) };

        some_ranges(g, &pt.ranges);
        len = vscsi_pt_encode(buf, size, &pt);
    } else if (command == VSCSI_CMD_WRITE_USING_TOKEN) {
        VscsiWut wut = { .immed = pick(g, 2), .token = g->token };

        some_ranges(g, &wut.ranges);
        wut.offset_blocks = pick(g, 4) ? pick(g, BLOCKS) : some_lba(g);
        len = vscsi_wut_encode(buf, size, &wut);
    } else {
        VscsiXcopy x = {
            .list_id = pick(g, 4), .n_cscds = pick(g, 4),
            .n_segments = pick(g, 6),
        };

        for (unsigned i = 0; i < x.n_cscds; i++) {
            x.cscd[i] = g->cscd;
        }
        for (unsigned i = 0; i < x.n_segments; i++) {
            x.segment[i] = (VscsiSegment) {
                .type = pick(g, 2) ? 0x02 : 0x0a,
                .source_id = pick(g, 4), .dest_id = pick(g, 4),
                .source_lba = some_lba(g), .dest_lba = some_lba(g),
                .blocks = pick(g, 256), .bytes = pick(g, 100000),
                .source_offset = pick(g, 600), .dest_offset = pick(g, 600),
            };
        }
        len = vscsi_xcopy_encode(buf, size, &x);
    }
    mutate(g, buf, len);
    switch (pick(g, 8)) {
    case 0:
        return pick(g, len + 1);
    case 1:
        return MIN(size, len + pick(g, 300));
    default:
        return len;
    }
}

/* The CDB may lie about the length that the queue has */
static VtCmd *some_command(Garbage *g)
{
    static const VscsiCommand out[] = {
        VSCSI_CMD_POPULATE_TOKEN, VSCSI_CMD_WRITE_USING_TOKEN,
        VSCSI_CMD_EXTENDED_COPY_LID1,
    };
    g_autofree uint8_t *buf = g_malloc0(16 * KiB);
    uint8_t cdb[VSCSI_CDB_LEN];
    size_t len;

    if (pick(g, 3)) {
        VscsiCommand command = out[pick(g, ARRAY_SIZE(out))];

        len = some_list(g, command, buf, 16 * KiB);
        vt_cdb(cdb, command, pick(g, 6),
               pick(g, 20) ? len : g_rand_int(g->rand));
        if (!pick(g, 4)) {
            mutate(g, cdb + 1, sizeof(cdb) - 1);
        }
        return vt_send(g->vm, 1, cdb, buf, len, 0);
    }
    len = pick(g, 1200);
    vt_cdb(cdb, pick(g, VSCSI_CMD__MAX), pick(g, 6), len);
    if (!pick(g, 4)) {
        mutate(g, cdb + 1, sizeof(cdb) - 1);
    }
    return vt_send(g->vm, 1, cdb, NULL, 0, len);
}

/*
 * Wait for it.  A command whose CDB asks for another direction or length than
 * the queue has ends as an overrun, all others have an outcome.
 */
static void end_command(VtCmd *cmd)
{
    uint32_t outcome = vt_end(cmd);

    if (outcome >> 24 == VT_RESPONSE >> 24) {
        g_assert_cmphex(outcome & 0xff, ==, VIRTIO_SCSI_S_OVERRUN);
    }
}

static void mutated(const char *hba_opts)
{
    Garbage g = {};

    start(&g, hba_opts);
    for (int round = 0; round < ROUNDS; round++) {
        if (round % 100 == 0) {
            check(&g);
        }
        end_command(some_command(&g));
    }
    finish(&g);
}

static void test_mutated(void)
{
    mutated(NULL);
}

static void test_mutated_iothread(void)
{
    mutated("iothread=io0");
}

/* Several at a time, with resets and aborts among them */
static void test_at_once(void)
{
    Garbage g = {};

    start(&g, "iothread=io0,num_queues=3");
    check(&g);
    for (int round = 0; round < ROUNDS / 8; round++) {
        VtCmd *cmd[8];

        for (int i = 0; i < 8; i++) {
            g.vm->queue = pick(&g, 3);
            cmd[i] = some_command(&g);
        }
        if (!pick(&g, 8)) {
            vt_tmf(g.vm, 1, pick(&g, 8), cmd[pick(&g, 8)]->tag);
        }
        for (int i = 0; i < 8; i++) {
            vt_end(cmd[i]);
        }
    }
    g.vm->queue = 0;
    finish(&g);
}

/* CDBs of nothing but noise, to every LUN */
static void test_noise(void)
{
    Garbage g = {};
    uint8_t buf[4096];

    start(&g, NULL);
    for (int round = 0; round < ROUNDS; round++) {
        uint8_t cdb[VSCSI_CDB_LEN];
        size_t len = pick(&g, sizeof(buf));

        for (size_t i = 0; i < sizeof(cdb); i++) {
            cdb[i] = g_rand_int(g.rand);
        }
        for (size_t i = 0; i < len; i++) {
            buf[i] = g_rand_int(g.rand);
        }
        cdb[0] = 0x83 + pick(&g, 2);
        if (pick(&g, 2)) {
            /* a length that fits */
            stl_be_p(cdb + 10, len);
        }
        if (pick(&g, 2)) {
            end_command(vt_send(g.vm, 1, cdb, buf, len, 0));
        } else {
            end_command(vt_send(g.vm, 1, cdb, NULL, 0, len));
        }
    }
    finish(&g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/vscsi/garbage/mutated", test_mutated);
    qtest_add_func("/vscsi/garbage/mutated-iothread", test_mutated_iothread);
    qtest_add_func("/vscsi/garbage/at-once", test_at_once);
    qtest_add_func("/vscsi/garbage/noise", test_noise);
    return g_test_run();
}
