/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The simulated copy manager. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "rrti.h"
#include "sim.h"
#include "token.h"

static SimOperation *find_operation(Sim *sim, uint32_t list_id)
{
    for (unsigned i = 0; i < SIM_OPERATIONS; i++) {
        SimOperation *op = &sim->operations[i];

        if (op->used && op->list_id == list_id) {
            return op;
        }
    }
    return NULL;
}

static SimOperation *new_operation(Sim *sim, SimDisk *disk, uint32_t list_id,
                                   uint8_t sa)
{
    SimOperation *op = find_operation(sim, list_id);

    if (!op) {
        op = &sim->operations[sim->next_operation++ % SIM_OPERATIONS];
    }
    memset(op, 0, sizeof(*op));
    op->used = true;
    op->list_id = list_id;
    op->sa = sa;
    op->disk = disk;
    op->start_ms = sim->now_ms;
    return op;
}

/* Checks what the standard asks of a range list; 0 or the ASC. */
static uint16_t take_ranges(SimOperation *op, const uint8_t *list,
                            unsigned bytes)
{
    const SimDisk *d = op->disk;

    op->n_ranges = bytes / 16;
    if (op->n_ranges == 0) {
        return 0x2600;
    }
    if (d->max_ranges && op->n_ranges > d->max_ranges) {
        return 0x2608;
    }
    for (unsigned i = 0; i < op->n_ranges; i++) {
        uint64_t lba = odx_get64(list + 16 * i);
        uint32_t n = odx_get32(list + 16 * i + 8);

        if (lba > d->blocks || n > d->blocks - lba) {
            return 0x2100;
        }
        if (!d->block_features && d->max_transfer_blocks &&
            n > d->max_transfer_blocks) {
            return 0x2600;
        }
        op->ranges[i].lba = lba;
        op->ranges[i].blocks = n;
        op->asked += n;
    }
    if ((d->max_token_blocks && op->asked > d->max_token_blocks) ||
        (d->max_rod_bytes && op->asked * d->block_length >
         d->max_rod_bytes)) {
        return 0x2600;
    }
    return 0;
}

static SimToken *find_token(Sim *sim, const uint8_t *bytes)
{
    for (unsigned i = 0; i < sim->n_tokens; i++) {
        if (memcmp(sim->tokens[i].bytes, bytes, 512) == 0) {
            return &sim->tokens[i];
        }
    }
    return NULL;
}

static void make_token(Sim *sim, SimOperation *op)
{
    SimToken *t = &sim->tokens[sim->n_tokens];
    uint64_t left = op->count, at = 0;

    ck_assert_uint_lt(sim->n_tokens, SIM_TOKENS);
    sim->n_tokens++;
    t->length = op->count * op->disk->block_length;
    t->data = malloc(t->length + 1);
    ck_assert_ptr_nonnull(t->data);
    for (unsigned i = 0; i < op->n_ranges && left; i++) {
        uint64_t n = odx_min64(left, op->ranges[i].blocks);

        memcpy(t->data + at,
               op->disk->data + op->ranges[i].lba * op->disk->block_length,
               n * op->disk->block_length);
        at += n * op->disk->block_length;
        left -= n;
    }
    odx_put32(t->bytes, 0x00800000);
    odx_put16(t->bytes + 6, 0x01f8);
    odx_put64(t->bytes + 8, sim->n_tokens);
    odx_put64(t->bytes + 56, t->length);
    op->token = t;
}

/* Writes blocks [op->moved, @upto) of the operation. */
static void move(SimOperation *op, uint64_t upto)
{
    uint32_t bs = op->disk->block_length;
    uint64_t first = 0;

    for (unsigned i = 0; i < op->n_ranges; i++) {
        for (uint32_t j = 0; j < op->ranges[i].blocks; j++) {
            uint64_t k = first + j, at = op->rod_offset + k * bs;
            uint8_t *to = op->disk->data + (op->ranges[i].lba + j) * bs;

            if (k < op->moved || k >= upto) {
                continue;
            }
            if (!op->token) {
                memset(to, 0, bs);
            } else {
                memcpy(to, op->token->data + at, bs);
            }
        }
        first += op->ranges[i].blocks;
    }
    op->moved = upto;
}

static void finish(Sim *sim, SimOperation *op, uint64_t count)
{
    op->running = false;
    op->count = count;
    op->status = count == op->asked ? COPY_OK : COPY_OK_PARTIAL;
    if (op->sa == SA_POPULATE_TOKEN) {
        make_token(sim, op);
    } else {
        move(op, count);
        if (op->delete_token && op->token) {
            op->token->dead_asc = 0x2309;
            sim->deleted_tokens++;
        }
    }
}

static void end_badly(SimOperation *op, OdxCommand *cmd, bool immed,
                      uint8_t key, uint16_t asc)
{
    if (!immed) {
        op->used = false;
        sim_sense(cmd, key, asc, false, 0);
        return;
    }
    op->status = COPY_ERROR;
    op->has_sense = true;
    op->key = key;
    op->asc = asc;
}

/* The parameters are good: now, or from now on. */
static void begin(Sim *sim, SimOperation *op, OdxCommand *cmd, bool immed,
                  const SimFault *partial)
{
    uint64_t count = partial ? odx_min64(partial->value, op->asked) :
                     op->asked;

    if (immed && !partial) {
        op->running = true;
        return;
    }
    finish(sim, op, count);
    if (count == op->asked || partial->kind == SIM_PARTIAL_QUIET || immed) {
        return;
    }
    sim_sense(cmd, count ? KEY_COPY_ABORTED : KEY_ILLEGAL_REQUEST, 0x0d04,
              partial->kind == SIM_PARTIAL,
              partial->kind == SIM_PARTIAL ? (uint32_t)count : 0);
}

static void populate(Sim *sim, SimDisk *disk, OdxCommand *cmd,
                     const SimFault *partial)
{
    const uint8_t *p = cmd->data;
    SimOperation *op = new_operation(sim, disk, odx_get32(cmd->cdb + 6),
                                     SA_POPULATE_TOKEN);
    uint16_t asc;

    sim->populates++;
    sim->last_inactivity = odx_get32(p + 4);
    ck_assert_uint_eq(odx_get16(p), cmd->length - 2);
    ck_assert_uint_eq(odx_get16(p + 14), cmd->length - 16);
    asc = take_ranges(op, p + 16, odx_get16(p + 14));
    sim->last_ranges = op->n_ranges;
    if (asc) {
        end_badly(op, cmd, p[2] & 1, KEY_ILLEGAL_REQUEST, asc);
        return;
    }
    begin(sim, op, cmd, p[2] & 1, partial);
}

static void write_using(Sim *sim, SimDisk *disk, OdxCommand *cmd,
                        const SimFault *partial)
{
    const uint8_t *p = cmd->data;
    SimOperation *op = new_operation(sim, disk, odx_get32(cmd->cdb + 6),
                                     SA_WRITE_USING_TOKEN);
    bool immed = p[2] & 1;
    bool zero = odx_get32(p + 16) == ROD_TYPE_ZERO;
    uint16_t asc;

    ck_assert_uint_eq(odx_get16(p), cmd->length - 2);
    ck_assert_uint_eq(odx_get16(p + 534), cmd->length - 536);
    op->delete_token = p[2] & 2;
    op->rod_offset = odx_get64(p + 8) * disk->block_length;
    asc = take_ranges(op, p + 536, odx_get16(p + 534));
    if (op->asked) {
        sim->writes++;
        sim->last_ranges = op->n_ranges;
    }
    if (!zero) {
        op->token = find_token(sim, p + 16);
        if (!asc && !op->token) {
            asc = 0x2304;
        } else if (!asc && op->token->dead_asc) {
            asc = op->token->dead_asc;
        } else if (!asc && (op->rod_offset >= op->token->length ||
                            op->asked * disk->block_length >
                            op->token->length - op->rod_offset)) {
            ck_abort_msg("ODXCOPY_SEED=%llu: more than the token has",
                         (unsigned long long)sim->seed);
        }
    }
    if (asc) {
        end_badly(op, cmd, immed, KEY_ILLEGAL_REQUEST, asc);
        return;
    }
    begin(sim, op, cmd, immed, partial);
}

/* What an IMMED operation did until now, by the clock. */
static void advance(Sim *sim, SimOperation *op)
{
    uint64_t done = (sim->now_ms - op->start_ms) * sim->blocks_per_ms;

    if (!op->running) {
        return;
    }
    if (op->token && op->sa == SA_WRITE_USING_TOKEN &&
        op->token->dead_asc) {
        op->running = false;
        op->status = COPY_ERROR;
        op->has_sense = true;
        op->key = KEY_ILLEGAL_REQUEST;
        op->asc = op->token->dead_asc;
        op->count = op->moved;
        return;
    }
    if (done >= op->asked && sim->blocks_per_ms) {
        finish(sim, op, op->asked);
        return;
    }
    op->count = done;
    if (op->sa == SA_WRITE_USING_TOKEN) {
        move(op, done);
    }
}

static void copy_abort(Sim *sim, OdxCommand *cmd)
{
    SimOperation *op = find_operation(sim, odx_get32(cmd->cdb + 2));

    sim->aborts++;
    if (op) {
        advance(sim, op);
    }
    if (!op || !op->running) {
        sim_sense(cmd, KEY_ILLEGAL_REQUEST, 0x2400, false, 0);
        return;
    }
    if (!sim->abort_ignored) {
        op->running = false;
        op->status = COPY_TERMINATED;
    }
}

void sim_third_party_out(Sim *sim, SimDisk *disk, OdxCommand *cmd,
                         const SimFault *partial)
{
    uint8_t sa = cmd->cdb[1] & 0x1f;

    if (sa == SA_COPY_OPERATION_ABORT) {
        copy_abort(sim, cmd);
        return;
    }
    if (sim->first_list_id == 0) {
        sim->first_list_id = odx_get32(cmd->cdb + 6);
    }
    ck_assert_uint_eq(odx_get32(cmd->cdb + 10), cmd->length);
    if (sa == SA_POPULATE_TOKEN) {
        populate(sim, disk, cmd, partial);
    } else if (sa == SA_WRITE_USING_TOKEN) {
        write_using(sim, disk, cmd, partial);
    } else {
        sim_sense(cmd, KEY_ILLEGAL_REQUEST, 0x2400, false, 0);
    }
}

void sim_third_party_in(Sim *sim, SimDisk *disk, OdxCommand *cmd)
{
    SimOperation *op = find_operation(sim, odx_get32(cmd->cdb + 2));
    uint8_t data[1024] = { 0 };
    size_t at = 32;

    (void)disk;
    sim->infos++;
    if ((cmd->cdb[1] & 0x1f) != SA_RECEIVE_ROD_TOKEN_INFORMATION || !op) {
        sim_sense(cmd, KEY_ILLEGAL_REQUEST, 0x2400, false, 0);
        return;
    }
    advance(sim, op);
    data[4] = op->sa;
    data[5] = op->running ? COPY_RUNNING_BACKGROUND : op->status;
    odx_put32(data + 8, op->running ? sim->delay_ms : 0xfffffffe);
    data[15] = 0xf1;
    odx_put64(data + 16, op->count);
    if (op->status == COPY_TERMINATED) {
        data[12] = 0x40;
    }
    if (op->has_sense && !op->running) {
        data[12] = 0x02;
        data[13] = 20;
        data[14] = 18;
        data[32] = 0x70;
        data[34] = op->key;
        data[39] = 10;
        odx_put16(data + 44, op->asc);
        at += 20;
    }
    if (!op->running && op->sa == SA_POPULATE_TOKEN && op->token) {
        odx_put32(data + at, 514);
        memcpy(data + at + 6, op->token->bytes, 512);
        at += 4 + 514;
    } else {
        at += 4;
    }
    odx_put32(data, (uint32_t)at - 4);
    sim_give(cmd, data, at);
    if (!op->running && at <= cmd->length) {
        op->used = false;       /* delivered in full: discarded */
    }
}
