/*
 * Copies, writes, aborts, resets, stops and unplugs at the same time
 *
 * Four LUNs on two controllers whose queues belong to three iothreads, so that
 * several threads serve one LUN.  Each disk begins with cells, which only
 * writers change, one write of a cell at a time; behind them each copier has a
 * slot, which nothing but its own copy changes.
 *
 *   disk:  | cell 0 | cell 1 | ... | slot of copier 0 | slot of copier 1 | ...
 *
 * A cell says in each word where it belongs and which write (generation) it is
 * of.  What is checked:
 * - A copy that is reported as good has whole cells, each of a generation that
 *   the source had between sending and end of POPULATE TOKEN (EXTENDED COPY:
 *   of the only one that there was meanwhile; if there were more, no check).
 * - As much as an operation reports as done is there.
 * - Once an operation has ended, in whatever way, its slot does not change.
 *
 * The order in which threads run is not repeated by the seed, the commands are
 * (as far as their answers are the same).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "scsi/constants.h"
#include "harness.h"
#include "standard-headers/linux/virtio_scsi.h"

#define DISKS       4
#define CELLS       32
#define CELL        (64 * KiB)
#define CELL_BLOCKS (CELL / 512)
#define COPIERS     8
#define SLOT_CELLS  8
#define SLOT        (SLOT_CELLS * CELL)
#define DISK_SIZE   ((CELLS + COPIERS * SLOT_CELLS) * CELL)
#define WRITERS     2
/* Operations of the copiers until the end */
#define ROUNDS      1500
#define LIST_ID     0x100

typedef enum Phase {
    PHASE_IDLE,
    PHASE_POPULATE,
    PHASE_RECEIVE,
    PHASE_COPY,
    PHASE_POLL,
    PHASE_ABORT,
    PHASE_XCOPY,
} Phase;

typedef struct Copier {
    unsigned nr;
    Phase phase;
    VtCmd *cmd;
    unsigned src, cell, cells, dst;
    uint32_t low[SLOT_CELLS];       /* generations that the data may have */
    uint32_t high[SLOT_CELLS];
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    bool immed;
    bool checked;                   /* low and high are known */
} Copier;

typedef struct Writer {
    VtCmd *cmd;
    unsigned disk, cell;
    uint32_t generation;
} Writer;

typedef struct Stress {
    VtVm *vm;
    GRand *rand;
    VscsiCscd cscd[DISKS];
    uint32_t last_generation;
    uint32_t sent[DISKS][CELLS];    /* the latest write of a cell */
    uint32_t good[DISKS][CELLS];    /* the latest that ended well */
    bool busy[DISKS][CELLS];
    uint64_t slot_sum[DISKS][COPIERS];
    Copier copier[COPIERS];
    Writer writer[WRITERS];
    VtCmd *tmf;
    unsigned ended, copied, cut, revoked, refused, resets, stops, replugs;
} Stress;

static unsigned pick(Stress *s, unsigned n)
{
    return g_rand_int_range(s->rand, 0, n);
}

static bool one_in(Stress *s, unsigned n)
{
    return pick(s, n) == 0;
}

/* ------------------------------------------------------------------- cells */

static uint32_t cell_word(unsigned disk, unsigned cell, unsigned index)
{
    return ((disk * CELLS + cell) * (CELL / 8) + index + 1) * 0x9e3779b1u | 1;
}

static void cell_fill(uint8_t *buf, unsigned disk, unsigned cell,
                      uint32_t generation)
{
    for (unsigned i = 0; i < CELL / 8; i++) {
        stl_le_p(buf + 8 * i, cell_word(disk, cell, i));
        stl_le_p(buf + 8 * i + 4, generation);
    }
}

/* The first @len bytes of a cell are as one write of [@low, @high] left them */
static void cell_check(const uint8_t *buf, size_t len, unsigned disk,
                       unsigned cell, uint32_t low, uint32_t high)
{
    uint32_t generation = ldl_le_p(buf + 4);

    g_assert_cmpuint(generation, >=, low);
    g_assert_cmpuint(generation, <=, high);
    for (unsigned i = 0; i < len / 8; i++) {
        g_assert_cmphex((uint32_t)ldl_le_p(buf + 8 * i), ==,
                        cell_word(disk, cell, i));
        g_assert_cmpuint((uint32_t)ldl_le_p(buf + 8 * i + 4), ==, generation);
    }
}

static void disk_io(Stress *s, unsigned disk, uint64_t offset, uint8_t *buf,
                    size_t len, bool write)
{
    int fd = open(s->vm->disk[disk].path, O_RDWR);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write ? pwrite(fd, buf, len, offset) :
                    pread(fd, buf, len, offset), ==, len);
    close(fd);
}

static uint64_t slot_offset(unsigned copier)
{
    return CELLS * CELL + (uint64_t)copier * SLOT;
}

static uint8_t *slot_read(Stress *s, unsigned disk, unsigned copier)
{
    uint8_t *buf = g_malloc(SLOT);

    disk_io(s, disk, slot_offset(copier), buf, SLOT, false);
    return buf;
}

static uint64_t slot_sum(Stress *s, unsigned disk, unsigned copier)
{
    g_autofree uint8_t *buf = slot_read(s, disk, copier);
    uint64_t sum = 0;

    for (unsigned i = 0; i < SLOT; i += 8) {
        sum = (sum ^ ldq_le_p(buf + i)) * 0x100000001b3ull;
    }
    return sum;
}

/* ----------------------------------------------------------------- copiers */

/* The copy has ended; @blocks of it are there, if that is known */
static void copier_check(Stress *s, Copier *c, uint64_t blocks)
{
    g_autofree uint8_t *buf = slot_read(s, c->dst, c->nr);
    uint64_t bytes = blocks * 512;

    g_assert_cmpuint(bytes, <=, c->cells * CELL);
    for (unsigned i = 0; c->checked && i * CELL < bytes; i++) {
        cell_check(buf + i * CELL, MIN(CELL, bytes - i * CELL), c->src,
                   c->cell + i, c->low[i], c->high[i]);
    }
    s->slot_sum[c->dst][c->nr] = slot_sum(s, c->dst, c->nr);
    s->ended++;
    if (blocks == c->cells * CELL_BLOCKS) {
        s->copied++;
    } else {
        s->cut++;
    }
    c->phase = PHASE_IDLE;
}

/* A copy begins: the last one there has left nothing that goes on */
static void copier_choose_slot(Stress *s, Copier *c)
{
    c->dst = pick(s, DISKS);
    g_assert_cmphex(slot_sum(s, c->dst, c->nr), ==,
                    s->slot_sum[c->dst][c->nr]);
}

static void copier_low(Stress *s, Copier *c)
{
    for (unsigned i = 0; i < c->cells; i++) {
        c->low[i] = s->good[c->src][c->cell + i];
    }
}

static void copier_high(Stress *s, Copier *c)
{
    for (unsigned i = 0; i < c->cells; i++) {
        c->high[i] = s->sent[c->src][c->cell + i];
    }
}

static VtCmd *send_xcopy(Stress *s, Copier *c)
{
    g_autofree VscsiXcopy *x = g_new0(VscsiXcopy, 1);

    x->usage = VSCSI_LIST_ID_NONE;
    x->n_cscds = 2;
    x->cscd[0] = s->cscd[c->src];
    x->cscd[1] = s->cscd[c->dst];
    /* as several segments */
    x->n_segments = c->cells;
    for (unsigned i = 0; i < c->cells; i++) {
        x->segment[i] = (VscsiSegment) {
            .type = VSCSI_SEGMENT_BLOCK,
            .dest_id = 1,
            .source_lba = (c->cell + i) * CELL_BLOCKS,
            .dest_lba = slot_offset(c->nr) / 512 + i * CELL_BLOCKS,
            .blocks = CELL_BLOCKS,
        };
    }
    return vt_send_xcopy(s->vm, pick(s, DISKS), x);
}

static void copier_begin(Stress *s, Copier *c)
{
    c->src = pick(s, DISKS);
    c->cells = 1 + pick(s, SLOT_CELLS);
    c->cell = pick(s, CELLS - c->cells + 1);
    copier_low(s, c);
    if (one_in(s, 4)) {
        copier_choose_slot(s, c);
        c->checked = true;
        for (unsigned i = 0; i < c->cells; i++) {
            c->checked &= !s->busy[c->src][c->cell + i];
        }
        copier_high(s, c);
        c->cmd = send_xcopy(s, c);
        c->phase = PHASE_XCOPY;
    } else {
        VscsiPt pt = vt_pt(c->cell * CELL_BLOCKS, c->cells * CELL_BLOCKS);

        pt.immed = one_in(s, 4);
        pt.inactivity_s = 1 + pick(s, 30);
        c->cmd = vt_send_pt(s->vm, c->src, LIST_ID + c->nr, &pt);
        c->phase = PHASE_POPULATE;
    }
}

static VtCmd *send_query(Stress *s, Copier *c, VscsiCommand command,
                         unsigned disk)
{
    uint8_t cdb[VSCSI_CDB_LEN];

    vt_cdb(cdb, command, LIST_ID + c->nr, 805);
    return vt_send(s->vm, disk, cdb, NULL, 0, 805);
}

static void copier_poll(Stress *s, Copier *c)
{
    bool abort = one_in(s, 12);

    c->cmd = abort ? vt_send_abort(s->vm, c->dst, LIST_ID + c->nr) :
             send_query(s, c, VSCSI_CMD_RECEIVE_COPY_STATUS_LID4, c->dst);
    c->phase = abort ? PHASE_ABORT : PHASE_POLL;
}

static void copier_copy(Stress *s, Copier *c)
{
    VscsiWut wut = vt_wut(c->token, slot_offset(c->nr) / 512,
                          c->cells * CELL_BLOCKS);

    copier_choose_slot(s, c);
    c->checked = true;
    c->immed = wut.immed = one_in(s, 2);
    wut.del_tkn = one_in(s, 4);
    c->cmd = vt_send_wut(s->vm, c->dst, LIST_ID + c->nr, &wut);
    c->phase = PHASE_COPY;
}

/* RECEIVE ROD TOKEN INFORMATION has answered */
static void copier_received(Stress *s, Copier *c, VtCmd *cmd)
{
    VscsiCopyStatus status;

    g_assert_true(vscsi_rrti_decode(cmd->in, 4 + ldl_be_p(cmd->in), &status));
    if ((status.state & 0x70) == VSCSI_COPY_IN_PROGRESS) {
        c->cmd = send_query(s, c, VSCSI_CMD_RECEIVE_ROD_TOKEN_INFORMATION,
                            c->src);
        return;
    }
    if (status.state != VSCSI_COPY_OK) {
        s->refused++;
        c->phase = PHASE_IDLE;
        return;
    }
    g_assert_nonnull(status.token);
    memcpy(c->token, status.token, sizeof(c->token));
    copier_high(s, c);
    copier_copy(s, c);
}

/* RECEIVE COPY STATUS(LID4) has answered */
static void copier_polled(Stress *s, Copier *c, VtCmd *cmd)
{
    VscsiCopyStatus status;

    g_assert_true(vscsi_rcs4_decode(cmd->in, 4 + ldl_be_p(cmd->in), &status));
    if ((status.state & 0x70) == VSCSI_COPY_IN_PROGRESS) {
        copier_poll(s, c);
        return;
    }
    g_assert_true(status.state != VSCSI_COPY_OK ||
                  status.count == c->cells * CELL_BLOCKS);
    copier_check(s, c, status.count);
}

/* EXTENDED COPY: was there but one generation of its source? */
static void copier_xcopied(Stress *s, Copier *c, bool good)
{
    for (unsigned i = 0; i < c->cells; i++) {
        c->checked &= c->high[i] == s->sent[c->src][c->cell + i];
    }
    copier_check(s, c, good ? c->cells * CELL_BLOCKS : 0);
}

static void copier_ended(Stress *s, Copier *c, VtCmd *cmd)
{
    uint32_t outcome = cmd->outcome;
    bool attention = outcome >> 16 == UNIT_ATTENTION;

    switch (c->phase) {
    case PHASE_POPULATE:
    case PHASE_RECEIVE:
        if (outcome && !(attention && c->phase == PHASE_RECEIVE)) {
            s->refused++;
            c->phase = PHASE_IDLE;
        } else if (c->phase == PHASE_RECEIVE && !attention) {
            copier_received(s, c, cmd);
        } else {
            c->cmd = send_query(s, c, VSCSI_CMD_RECEIVE_ROD_TOKEN_INFORMATION,
                                c->src);
            c->phase = PHASE_RECEIVE;
        }
        break;
    case PHASE_COPY:
        if (c->immed && !outcome) {
            copier_poll(s, c);
            break;
        }
        s->revoked += outcome == 0x052306;
        copier_check(s, c, outcome ? 0 : c->cells * CELL_BLOCKS);
        if (one_in(s, 2)) {
            copier_copy(s, c);
        }
        break;
    case PHASE_POLL:
        if (!outcome) {
            copier_polled(s, c, cmd);
            break;
        }
        /* fall through */
    case PHASE_ABORT:
        if (c->phase == PHASE_ABORT || attention || outcome >> 24) {
            c->cmd = send_query(s, c, VSCSI_CMD_RECEIVE_COPY_STATUS_LID4,
                                c->dst);
            c->phase = PHASE_POLL;
            break;
        }
        /* a reset has discarded it */
        g_assert_cmphex(outcome, ==, 0x052400);
        copier_check(s, c, 0);
        break;
    case PHASE_XCOPY:
        copier_xcopied(s, c, !outcome);
        break;
    default:
        g_assert_not_reached();
    }
}

static void copier_step(Stress *s, Copier *c, bool go_on)
{
    if (c->cmd && vt_ended(c->cmd)) {
        g_autoptr(VtCmd) cmd = g_steal_pointer(&c->cmd);

        copier_ended(s, c, cmd);
    } else if (!c->cmd && go_on) {
        copier_begin(s, c);
    }
}

/* ----------------------------------------------------------------- writers */

static void writer_step(Stress *s, Writer *w, bool go_on)
{
    g_autofree uint8_t *buf = NULL;

    if (w->cmd && vt_ended(w->cmd)) {
        if (!vt_end(w->cmd)) {
            s->good[w->disk][w->cell] = w->generation;
        }
        w->cmd = NULL;
        s->busy[w->disk][w->cell] = false;
        return;
    }
    /* not all the time: a token has to live now and then */
    if (w->cmd || !go_on || !one_in(s, 4)) {
        return;
    }
    w->disk = pick(s, DISKS);
    w->cell = pick(s, CELLS);
    if (s->busy[w->disk][w->cell]) {
        return;
    }
    w->generation = ++s->last_generation;
    s->busy[w->disk][w->cell] = true;
    s->sent[w->disk][w->cell] = w->generation;
    buf = g_malloc(CELL);
    cell_fill(buf, w->disk, w->cell, w->generation);
    w->cmd = vt_send_write(s->vm, w->disk, w->cell * CELL_BLOCKS, CELL_BLOCKS,
                           buf);
}

/* ------------------------------------------------------------------- chaos */

static void chaos_step(Stress *s)
{
    if (s->tmf && vt_ended(s->tmf)) {
        vt_end(g_steal_pointer(&s->tmf));
    } else if (!s->tmf && one_in(s, 40)) {
        s->tmf = vt_send_tmf(s->vm, pick(s, DISKS),
                             one_in(s, 2) ? VIRTIO_SCSI_T_TMF_ABORT_TASK_SET :
                             VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET, 0);
        s->resets++;
    }
    if (one_in(s, 25)) {
        vt_stop(s->vm);
        if (one_in(s, 2)) {
            g_usleep(1000);
        }
        vt_cont(s->vm);
        s->stops++;
    }
    if (one_in(s, 100)) {
        /* a plug reads the disk: not one that waits for the clock */
        unsigned disk = 2 * pick(s, DISKS / 2);

        vt_unplug(s->vm, disk);
        vt_plug(s->vm, disk);
        s->replugs++;
    }
    if (one_in(s, 200)) {
        /* tokens expire */
        vt_clock_step(s->vm, 2000);
    }
}

/* -------------------------------------------------------------------- whole */

static void vm_start(Stress *s)
{
    g_autofree uint8_t *buf = g_malloc(CELL);

    s->vm = vt_new();
    vt_arg(s->vm, "-object iothread,id=io0 -object iothread,id=io1 "
           "-object iothread,id=io2");
    for (unsigned i = 0; i < DISKS; i++) {
        if (i % 2 == 0) {
            vt_arg(s->vm, "-device '{\"driver\":\"vscsi-pci\","
                   "\"id\":\"hba%u\",\"addr\":\"%u\",\"num_queues\":4,"
                   "\"iothread-vq-mapping\":[{\"iothread\":\"io%u\"},"
                   "{\"iothread\":\"io%u\"}]}'", i / 2, 4 + i / 2, i / 2,
                   i / 2 + 1);
            s->vm->nr_hbas++;
        }
        vt_disk(s->vm, &(VtDiskConf) {
            .size = DISK_SIZE, .late = true, .bps = i % 2 ? 64 * MiB : 0,
            .opts = "sync-time=600000",
        });
        vt_fill(s->vm, i, 0, DISK_SIZE, i);
        for (unsigned cell = 0; cell < CELLS; cell++) {
            cell_fill(buf, i, cell, 0);
            disk_io(s, i, cell * CELL, buf, CELL, true);
        }
        for (unsigned n = 0; n < COPIERS; n++) {
            s->slot_sum[i][n] = slot_sum(s, i, n);
        }
    }
    vt_boot(s->vm);
    for (unsigned i = 0; i < DISKS; i++) {
        s->cscd[i] = vt_cscd(s->vm, i);
    }
}

static bool is_busy(Stress *s)
{
    bool busy = s->tmf;

    for (unsigned i = 0; i < COPIERS; i++) {
        busy |= s->copier[i].cmd != NULL;
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        busy |= s->writer[i].cmd != NULL;
    }
    return busy;
}

static void check_all(Stress *s)
{
    g_autofree uint8_t *buf = g_malloc(CELL);

    for (unsigned i = 0; i < DISKS; i++) {
        g_assert_true(vt_is_quiet(s->vm, i));
        for (unsigned cell = 0; cell < CELLS; cell++) {
            disk_io(s, i, cell * CELL, buf, CELL, false);
            cell_check(buf, CELL, i, cell, s->good[i][cell],
                       s->sent[i][cell]);
        }
        for (unsigned n = 0; n < COPIERS; n++) {
            g_assert_cmphex(slot_sum(s, i, n), ==, s->slot_sum[i][n]);
        }
    }
}

static void test_mixed(void)
{
    g_autofree Stress *s = g_new0(Stress, 1);
    gint64 start;

    s->rand = g_rand_new_with_seed(vt_seed());
    vm_start(s);
    start = g_get_monotonic_time();
    for (bool go_on = true; go_on || is_busy(s); ) {
        for (unsigned i = 0; i < COPIERS; i++) {
            s->vm->queue = pick(s, 4);
            s->copier[i].nr = i;
            copier_step(s, &s->copier[i], go_on);
        }
        for (unsigned i = 0; i < WRITERS; i++) {
            s->vm->queue = pick(s, 4);
            writer_step(s, &s->writer[i], go_on);
        }
        chaos_step(s);
        vt_clock_step(s->vm, 1);
        go_on = s->ended < ROUNDS;
        g_assert_cmpint(g_get_monotonic_time() - start, <, 10 * VT_GUARD_US);
    }
    g_test_message("copied %u, cut short %u, of these revoked %u; refused %u; "
                   "writes %u, resets %u, stops %u, replugs %u", s->copied,
                   s->cut, s->revoked, s->refused, s->last_generation,
                   s->resets, s->stops, s->replugs);
    g_assert_cmpuint(s->copied, >, 0);
    check_all(s);
    vt_free(s->vm);
    g_rand_free(s->rand);
}

/* ---------------------------------------- copies of one LUN for another one */

/*
 * Tokens of disk 0 to disks 1 to 3, slow, in the background.  A stop lets go
 * what the throttles hold back, up to 8 MiB of each copy: it must not be all.
 */
#define SLOW_SIZE   (48 * MiB)
#define SLOW_BLOCKS (SLOW_SIZE / 512)

static VtVm *slow_vm(void)
{
    VtVm *vm = vt_new();

    vt_arg(vm, "-object iothread,id=io0 -object iothread,id=io1");
    vt_arg(vm, "-device '{\"driver\":\"vscsi-pci\",\"id\":\"hba0\","
           "\"addr\":\"4\",\"num_queues\":4,\"iothread-vq-mapping\":"
           "[{\"iothread\":\"io0\"},{\"iothread\":\"io1\"}]}'");
    vm->nr_hbas++;
    for (unsigned i = 0; i < DISKS; i++) {
        vt_disk(vm, &(VtDiskConf) {
            .size = SLOW_SIZE, .late = true, .bps = i ? 16 * MiB : 0,
        });
    }
    vt_fill(vm, 0, 0, SLOW_SIZE, 1);
    vt_boot(vm);
    return vm;
}

static void slow_copies_start(VtVm *vm)
{
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiWut wut;

    vt_token(vm, 0, 0, SLOW_BLOCKS, token);
    for (unsigned i = 1; i < DISKS; i++) {
        wut = vt_wut(token, 0, SLOW_BLOCKS);
        wut.immed = true;
        vm->queue = i;
        g_assert_cmphex(vt_write_token(vm, i, LIST_ID, &wut), ==, 0);
    }
    vm->queue = 0;
}

/*
 * The VM goes on LUN by LUN.  An operation is resumed for its source, finds its
 * own LUN still stopped, and parks: not for ever.
 */
static void test_cont_resumes_across_luns(void)
{
    VtVm *vm = slow_vm();
    VtStatus s;

    for (int round = 0; round < 8; round++) {
        slow_copies_start(vm);
        for (int i = 0; i < 4; i++) {
            vt_stop(vm);
            vt_cont(vm);
        }
        vm->step_ns = 100000000;
        for (unsigned i = 1; i < DISKS; i++) {
            vt_poll(vm, i, LIST_ID, &s);
            g_assert_cmphex(s.status.state, ==, VSCSI_COPY_OK);
        }
        vm->step_ns = 0;
    }
    for (unsigned i = 1; i < DISKS; i++) {
        g_assert_true(vt_has(vm, i, 0, SLOW_SIZE, 1, 0));
    }
    vt_free(vm);
}

/* An abort that comes while its operation parks is not forgotten */
static void test_abort_while_the_vm_stops(void)
{
    VtVm *vm = slow_vm();
    unsigned terminated = 0;
    VtStatus s;

    for (int round = 0; round < 50; round++) {
        VtCmd *cmd[DISKS];

        slow_copies_start(vm);
        for (unsigned i = 1; i < DISKS; i++) {
            /* of the other thread */
            vm->queue = (i + 1) % 2;
            cmd[i] = vt_send_abort(vm, i, LIST_ID);
        }
        vt_stop(vm);
        vt_cont(vm);
        /*
         * An abort that was looked at only now waits for what is in flight,
         * and that for the clock.
         */
        vm->step_ns = 100000000;
        for (unsigned i = 1; i < DISKS; i++) {
            vt_end(cmd[i]);
            g_assert_cmphex(vt_rcs4(vm, i, LIST_ID, &s), ==, 0);
            /* what the stop let go may have been all that was left */
            g_assert_true(s.status.state == VSCSI_COPY_TERMINATED ||
                          s.status.state == VSCSI_COPY_OK);
            terminated += s.status.state == VSCSI_COPY_TERMINATED;
        }
        vm->step_ns = 0;
    }
    g_assert_cmpuint(terminated, >, 0);
    vt_free(vm);
}

/* Two threads serve a LUN at the moment when it is unplugged */
static void test_unplug_under_commands(void)
{
    VtVm *vm = slow_vm();

    for (int round = 0; round < 40; round++) {
        VscsiPt pt = vt_pt(0, 8);
        VtCmd *cmd[40];

        for (unsigned i = 0; i < G_N_ELEMENTS(cmd); i++) {
            vm->queue = i % 4;
            cmd[i] = i % 2 ? vt_send_pt(vm, 0, i, &pt) :
                     vt_send_abort(vm, 0, i);
        }
        vt_unplug(vm, 0);
        for (unsigned i = 0; i < G_N_ELEMENTS(cmd); i++) {
            vt_end(cmd[i]);
        }
        vm->queue = 0;
        vt_plug(vm, 0);
        for (unsigned i = 0; i < DISKS; i++) {
            while (vt_test_unit_ready(vm, i)) {
                /* unit attentions of the plug */
            }
        }
    }
    vt_free(vm);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, fn) qtest_add_func("/vscsi/stress/" path, fn)
    ADD("cont-resumes-across-luns", test_cont_resumes_across_luns);
    ADD("abort-while-the-vm-stops", test_abort_while_the_vm_stops);
    ADD("unplug-under-commands", test_unplug_under_commands);
    ADD("mixed", test_mixed);
#undef ADD
    return g_test_run();
}
