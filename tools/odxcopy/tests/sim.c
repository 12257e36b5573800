/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "sim.h"
#include "token.h"

/* A program that sends more than this does not end by itself. */
#define MAX_COMMANDS 200000

struct OdxNode {
    SimDisk *disk;
    bool in_use;
};

uint8_t sim_pattern(unsigned i, uint64_t at)
{
    return (uint8_t)((at * 2654435761u >> 11) ^ at ^ (i * 0x5b + 1));
}

void sim_reshape(Sim *sim, unsigned i, uint32_t block_length,
                 uint64_t blocks)
{
    SimDisk *d = &sim->disks[i];

    d->block_length = block_length;
    d->blocks = blocks;
    free(d->data);
    d->data = malloc(block_length * blocks);
    ck_assert_ptr_nonnull(d->data);
    for (uint64_t at = 0; at < block_length * blocks; at++) {
        d->data[at] = sim_pattern(i, at);
    }
}

void sim_fault(Sim *sim, SimFault fault)
{
    ck_assert_uint_lt(sim->n_faults, SIM_FAULTS);
    sim->faults[sim->n_faults++] = fault;
}

unsigned sim_live_tokens(const Sim *sim)
{
    unsigned n = 0;

    for (unsigned i = 0; i < sim->n_tokens; i++) {
        n += sim->tokens[i].dead_asc == 0;
    }
    return n;
}

void sim_sense(OdxCommand *cmd, uint8_t key, uint16_t asc, bool info_valid,
               uint32_t info)
{
    cmd->status = 0x02;
    cmd->sense_length = 18;
    memset(cmd->sense, 0, 18);
    cmd->sense[0] = info_valid ? 0xf0 : 0x70;
    cmd->sense[2] = key;
    odx_put32(cmd->sense + 3, info);
    cmd->sense[7] = 10;
    odx_put16(cmd->sense + 12, asc);
    cmd->transferred = 0;
}

void sim_give(OdxCommand *cmd, const uint8_t *data, size_t length)
{
    size_t n = length < cmd->length ? length : cmd->length;

    memset(cmd->data, 0, cmd->length);
    memcpy(cmd->data, data, n);
    cmd->transferred = (uint32_t)n;
}

static void read_16(Sim *sim, SimDisk *d, OdxCommand *cmd)
{
    uint64_t lba = odx_get64(cmd->cdb + 2);
    uint32_t n = odx_get32(cmd->cdb + 10);

    sim->reads++;
    if (lba > d->blocks || n > d->blocks - lba) {
        sim_sense(cmd, KEY_ILLEGAL_REQUEST, 0x2100, false, 0);
        return;
    }
    ck_assert_uint_eq(cmd->length, (uint64_t)n * d->block_length);
    sim_give(cmd, d->data + lba * d->block_length,
             (size_t)n * d->block_length);
}

static void run_command(Sim *sim, SimDisk *d, OdxCommand *cmd,
                        const SimFault *partial)
{
    uint8_t data[32] = { 0 };

    switch (cmd->cdb[0]) {
    case 0x12:
        sim_inquiry(d, cmd);
        break;
    case 0x9e:
        odx_put64(data, d->blocks - 1);
        odx_put32(data + 8, d->block_length);
        sim_give(cmd, data, sizeof(data));
        break;
    case 0x88:
        read_16(sim, d, cmd);
        break;
    case 0x35:
        sim->flushes++;
        if (d->no_cache_command) {
            sim_sense(cmd, KEY_ILLEGAL_REQUEST, 0x2000, false, 0);
        }
        break;
    case 0x83:
        sim_third_party_out(sim, d, cmd, partial);
        break;
    case 0x84:
        sim_third_party_in(sim, d, cmd);
        break;
    default:
        sim_sense(cmd, KEY_ILLEGAL_REQUEST, 0x2000, false, 0);
        break;
    }
}

/* A small generator: the seed alone decides (splitmix64). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* Garbles an answer: bytes, length, status, sense. */
static void mangle(Sim *sim, OdxCommand *cmd)
{
    uint64_t *s = &sim->random_state;
    uint8_t *data = cmd->data;

    if (next_random(s) % 8) {
        return;
    }
    switch (next_random(s) % 5) {
    case 0:
        cmd->transferred = (uint32_t)(next_random(s) % (cmd->length + 2));
        break;
    case 1:
        cmd->status = (uint8_t)next_random(s);
        break;
    case 2:
        cmd->status = 0x02;
        cmd->sense_length = (uint32_t)(next_random(s) % 300);
        for (unsigned i = 0; i < sizeof(cmd->sense); i++) {
            cmd->sense[i] = (uint8_t)next_random(s);
        }
        cmd->sense[0] = 0x70 | (next_random(s) & 0x83);
        break;
    default:
        /* nobody could notice a lie about the block length */
        if (cmd->direction == ODX_FROM_DEVICE && cmd->length &&
            cmd->cdb[0] != 0x9e) {
            unsigned n = 1 + next_random(s) % 8;

            for (unsigned i = 0; i < n; i++) {
                uint32_t bound = next_random(s) % 2 && cmd->length > 64 ?
                                 64 : cmd->length;

                data[next_random(s) % bound] = (uint8_t)next_random(s);
            }
        }
        break;
    }
}

static void apply_before(Sim *sim, const SimFault *f)
{
    switch (f->kind) {
    case SIM_REVOKE:
    case SIM_REVOKE_LARGE:
        for (unsigned i = 0; i < sim->n_tokens; i++) {
            if (sim->tokens[i].dead_asc == 0 &&
                (f->kind == SIM_REVOKE || sim->tokens[i].length > f->value)) {
                sim->tokens[i].dead_asc = f->asc;
            }
        }
        break;
    case SIM_INTERRUPT:
        sim->interrupted = true;
        break;
    case SIM_WRITE_SOURCE:
        memset(sim->disks[0].data, f->key,
               sim->disks[0].block_length * sim->disks[0].blocks);
        break;
    case SIM_FORGET:
        memset(sim->operations, 0, sizeof(sim->operations));
        break;
    case SIM_RESIZE:
        sim->disks[0].max_token_blocks = f->value;
        break;
    default:
        break;
    }
}

static void apply_after(Sim *sim, const SimFault *f, OdxCommand *cmd)
{
    uint8_t *data = cmd->data;

    if (f->kind == SIM_SHORT && f->value < cmd->transferred) {
        cmd->transferred = (uint32_t)f->value;
    } else if (f->kind == SIM_BYTE && f->value < cmd->length) {
        data[f->value] = f->key;
    } else if (f->kind == SIM_SCRIBBLE) {
        sim->disks[1].data[f->value] ^= 0xff;
    }
}

static int sim_execute(OdxTransport *t, OdxNode *node, OdxCommand *cmd,
                       OdxError *err)
{
    Sim *sim = (Sim *)t;
    const SimFault *hit[SIM_FAULTS], *partial = NULL;
    unsigned n_hit = 0;

    if (++sim->commands > MAX_COMMANDS) {
        ck_abort_msg("ODXCOPY_SEED=%llu: the program does not end",
                     (unsigned long long)sim->seed);
    }
    for (unsigned i = 0; i < sim->n_faults; i++) {
        SimFault *f = &sim->faults[i];
        int sa = cmd->cdb[0] != 0x12 ? cmd->cdb[1] & 0x1f :
                 cmd->cdb[1] & 1 ? cmd->cdb[2] : 0x100;

        if (f->opcode == cmd->cdb[0] && (f->sa < 0 || f->sa == sa)) {
            f->seen++;
            if (f->nth == 0 || f->nth == f->seen) {
                hit[n_hit++] = f;
            }
        }
    }
    for (unsigned i = 0; i < n_hit; i++) {
        switch (hit[i]->kind) {
        case SIM_SENSE:
            sim_sense(cmd, hit[i]->key, hit[i]->asc, false,
                      (uint32_t)hit[i]->value);
            return 0;
        case SIM_STATUS:
            cmd->status = (uint8_t)hit[i]->value;
            return 0;
        case SIM_TRANSPORT:
            return odx_fail(err, ODX_IO, "the cable is cut");
        case SIM_PARTIAL:
        case SIM_PARTIAL_QUIET:
        case SIM_PARTIAL_NOINFO:
            partial = hit[i];
            break;
        default:
            apply_before(sim, hit[i]);
            break;
        }
    }
    run_command(sim, node->disk, cmd, partial);
    for (unsigned i = 0; i < n_hit; i++) {
        apply_after(sim, hit[i], cmd);
    }
    if (sim->seed) {
        mangle(sim, cmd);
    }
    return 0;
}

static bool sim_exists(OdxTransport *t, const char *path)
{
    Sim *sim = (Sim *)t;

    for (unsigned i = 0; i < SIM_DISKS; i++) {
        if (sim->disks[i].path && strcmp(sim->disks[i].path, path) == 0) {
            return true;
        }
    }
    return false;
}

static int sim_open(OdxTransport *t, const char *path, OdxAccess access,
                    bool force, OdxNode **node, OdxError *err)
{
    Sim *sim = (Sim *)t;

    for (unsigned i = 0; i < SIM_DISKS; i++) {
        SimDisk *d = &sim->disks[i];

        if (!d->path || strcmp(d->path, path) != 0) {
            continue;
        }
        if (access == ODX_WRITE && d->held && !force) {
            return odx_fail(err, ODX_UNSAFE, "%s is in use", path);
        }
        *node = calloc(1, sizeof(**node));
        (*node)->disk = d;
        (*node)->in_use = d->held;
        sim->open_nodes++;
        return 0;
    }
    return odx_fail(err, ODX_IO, "%s: no such file", path);
}

static void sim_close(OdxTransport *t, OdxNode *node)
{
    ((Sim *)t)->open_nodes--;
    free(node);
}

static int sim_settle(OdxTransport *t, OdxNode *node, OdxError *err)
{
    (void)node;
    (void)err;
    ((Sim *)t)->settles++;
    return 0;
}

static bool sim_in_use(OdxTransport *t, OdxNode *node)
{
    (void)t;
    return node->in_use;
}

static uint64_t sim_size(OdxTransport *t, OdxNode *node)
{
    (void)t;
    return node->disk->name_bytes;
}

static bool sim_same_address(OdxTransport *t, OdxNode *a, OdxNode *b)
{
    (void)t;
    return a->disk == b->disk;
}

static uint64_t sim_now_ms(OdxTransport *t)
{
    return ((Sim *)t)->now_ms;
}

static void sim_sleep_ms(OdxTransport *t, uint64_t ms)
{
    Sim *sim = (Sim *)t;

    sim->now_ms += ms;
    if (ms > sim->longest_sleep_ms) {
        sim->longest_sleep_ms = (unsigned)ms;
    }
}

static bool sim_interrupted(OdxTransport *t)
{
    Sim *sim = (Sim *)t;

    return sim->interrupted ||
           (sim->interrupt_at_ms && sim->now_ms >= sim->interrupt_at_ms);
}

static uint32_t sim_random(OdxTransport *t)
{
    (void)t;
    return 0x12345678;
}

void sim_init(Sim *sim, uint32_t block_length, uint64_t blocks)
{
    memset(sim, 0, sizeof(*sim));
    sim->transport = (OdxTransport) {
        .exists = sim_exists,
        .open = sim_open,
        .close = sim_close,
        .execute = sim_execute,
        .settle = sim_settle,
        .in_use = sim_in_use,
        .size = sim_size,
        .same_address = sim_same_address,
        .now_ms = sim_now_ms,
        .sleep_ms = sim_sleep_ms,
        .interrupted = sim_interrupted,
        .random = sim_random,
    };
    sim->now_ms = 1000000;
    sim->blocks_per_ms = 8;
    sim->delay_ms = 20;
    for (unsigned i = 0; i < 2; i++) {
        sim->disks[i] = (SimDisk) {
            .path = i ? "/dev/dst" : "/dev/src",
            .naa = 0x5000000000000001 + i,
            .third_party = true,
            .page_8f = true,
            .rod_limits = true,
            .lists_commands = true,
            .block_features = true,
            .max_ranges = 8,
        };
        sim_reshape(sim, i, block_length, blocks);
    }
}

void sim_free(Sim *sim)
{
    ck_assert_uint_eq(sim->open_nodes, 0);
    for (unsigned i = 0; i < SIM_DISKS; i++) {
        if (i == 0 || sim->disks[i].data != sim->disks[0].data) {
            free(sim->disks[i].data);
        }
    }
    for (unsigned i = 0; i < sim->n_tokens; i++) {
        free(sim->tokens[i].data);
    }
}
