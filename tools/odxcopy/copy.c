/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Positions are bytes from the start of the copied range.
 *
 * Invariants
 *   1. [0, done) is good at the destination; nothing at or beyond
 *      plan->length is ever written.
 *   2. While have_token, the token stands for [token_from, token_to) and
 *      token_from <= done < token_to; token_from is a multiple of
 *      plan->unit, so that done - token_from is whole destination blocks.
 *   3. Every pass of the loop either advances done, or adds to fruitless,
 *      or fails.  fruitless is bounded, so the loop ends.
 */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "copy.h"
#include "explain.h"

/* Passes without a single good block before giving up. */
#define MAX_FRUITLESS 12
/*
 * A token that is revoked before anything could be written is made smaller,
 * down to this: the writers of the source are less likely to hit it.
 */
#define SMALL_TOKEN (1024 * 1024)

typedef unsigned long long ull;

typedef struct Copy {
    /* set at creation, never changed */
    OdxSession *s;
    OdxPlan *plan;
    OdxDevice *src, *dst;
    const OdxCopyOptions *options;
    OdxProgress *progress;
    OdxCopyStats *stats;

    /* changes with every command */
    uint64_t done;
    bool have_token, token_lost;
    uint8_t token[ROD_TOKEN_SIZE];
    uint64_t token_from, token_to;
    uint64_t token_blocks;      /* of the source, in the next token */
    uint64_t write_blocks;      /* of the destination, in the next write */
    unsigned fruitless;
    OdxRange ranges[ODX_MAX_RANGES];
} Copy;

static uint64_t now(Copy *c)
{
    return c->s->transport->now_ms(c->s->transport);
}

static void on_progress(void *opaque, uint64_t blocks)
{
    Copy *c = opaque;

    odx_progress_update(c->progress, c->done + blocks * c->dst->block_length,
                        now(c));
}

static bool must_stop(Copy *c)
{
    OdxTransport *t = c->s->transport;

    return t->interrupted(t) ||
           (c->s->abort_at_ms && now(c) >= c->s->abort_at_ms);
}

static int stopped(Copy *c, OdxError *err)
{
    return odx_fail(err, ODX_INTERRUPTED, "interrupted: %llu of %llu bytes "
                    "were copied", (ull)c->done, (ull)c->plan->length);
}

/* A pass brought nothing: once more, or is that enough? */
static int count_fruitless(Copy *c, OdxDevice *dev, const char *command,
                           const OdxSense *sense, OdxError *err)
{
    if (++c->fruitless < MAX_FRUITLESS) {
        return 0;
    }
    if (sense->valid) {
        return odx_explain(err, ODX_FAILED, dev->lun.name, command, sense);
    }
    return odx_fail(err, ODX_FAILED, "%s: %s moved nothing, %d times in "
                    "turn. Look for errors of the disks on the host.",
                    dev->lun.name, command, MAX_FRUITLESS);
}

/* Nothing was done, but it may be tried again as it is. */
static bool passes_by(const OdxOpResult *r)
{
    return r->lost || r->aborted || !r->sense.valid ||
           r->sense.key == KEY_UNIT_ATTENTION ||
           r->sense.asc == ODX_ASC(0x0d, 0x04);
}

static int refresh_limits(Copy *c, OdxError *err)
{
    bool src_changed = c->src && c->src->lun.changed;

    if (!src_changed && !c->dst->lun.changed) {
        return 0;
    }
    if (src_changed && odx_device_refresh(c->src, err) < 0) {
        return -1;
    }
    if (c->dst->lun.changed && odx_device_refresh(c->dst, err) < 0) {
        return -1;
    }
    if (odx_plan_pieces(c->plan, c->src, c->dst, err) < 0) {
        return -1;
    }
    c->token_blocks = c->plan->src.blocks;
    c->write_blocks = c->plan->dst.blocks;
    return 0;
}

/* The token that was asked for is here: what does it stand for? */
static int take_token(Copy *c, const OdxOpResult *r, uint64_t from,
                      uint64_t asked, OdxError *err)
{
    uint64_t covered = r->count * c->src->block_length;

    covered -= covered % c->dst->block_length;
    c->stats->tokens++;
    if (c->token_lost) {
        c->stats->recreated++;
        c->token_lost = false;
    }
    if (r->count < asked) {
        c->stats->partial++;
    }
    if (c->plan->wish.strict && from + covered < c->plan->length) {
        return odx_fail(err, ODX_FAILED, "%s: the device made a token for "
                        "%llu bytes only; the copy would not be of one "
                        "point in time. Copy less, or without --strict.",
                        c->src->lun.name, (ull)covered);
    }
    if (from + covered <= c->done) {
        return count_fruitless(c, c->src, "POPULATE TOKEN", &r->sense, err);
    }
    memcpy(c->token, r->token, ROD_TOKEN_SIZE);
    c->token_from = from;
    c->token_to = from + covered;
    c->have_token = true;
    return 0;
}

static int make_token(Copy *c, OdxError *err)
{
    uint64_t from = c->done - c->done % c->plan->unit;
    uint64_t blocks = (c->plan->length - from) / c->src->block_length;
    OdxOpResult r;
    unsigned n;

    blocks = odx_min64(blocks, c->token_blocks);
    n = odx_plan_split(&c->plan->src, c->plan->wish.descriptors,
                       (c->plan->src_offset + from) / c->src->block_length,
                       blocks, c->ranges);
    if (odx_populate_token(c->s, c->src, c->ranges, n,
                           c->options->inactivity_s, &r, err) < 0) {
        return -1;
    }
    if (r.has_token && r.count) {
        return take_token(c, &r, from, blocks, err);
    }
    if (must_stop(c)) {
        return stopped(c, err);
    }
    if (passes_by(&r)) {
        return count_fruitless(c, c->src, "POPULATE TOKEN", &r.sense, err);
    }
    return odx_explain(err, ODX_FAILED, c->src->lun.name, "POPULATE TOKEN",
                       &r.sense);
}

static void make_zero_token(Copy *c)
{
    odx_zero_token(c->token);
    /* it has no length: each write starts at its beginning */
    c->token_from = c->done;
    c->token_to = c->plan->length;
    c->have_token = true;
}

/* The token is of no use any more; the next pass makes another. */
static void drop_token(Copy *c, bool shrink)
{
    uint64_t unit = c->plan->unit / c->src->block_length;
    uint64_t blocks = c->token_blocks / 4;

    c->have_token = false;
    c->token_lost = true;
    if (!shrink) {
        return;
    }
    if (blocks < SMALL_TOKEN / c->src->block_length) {
        blocks = SMALL_TOKEN / c->src->block_length;
    }
    blocks -= blocks % unit;
    if (blocks && blocks < c->token_blocks) {
        c->token_blocks = blocks;
    }
}

/* The token has served, or nobody will use it any more. */
static void delete_token(Copy *c)
{
    if (c->have_token && c->src && c->options->delete_tokens) {
        odx_delete_token(c->s, c->dst, c->token);
    }
    c->have_token = false;
}

/*
 * Many devices end a command after some seconds, however far it came, and
 * what they had under way is lost: ask for what they can do in that time.
 */
static void fit_writes(Copy *c, uint64_t asked, uint64_t moved)
{
    uint64_t small = SMALL_TOKEN / c->dst->block_length;

    if (moved == asked) {
        c->write_blocks += (c->write_blocks + 3) / 4;
    } else {
        moved -= moved / 4;
        c->write_blocks = moved > small ? moved : small;
    }
    c->write_blocks = odx_min64(c->write_blocks, c->plan->dst.blocks);
}

/* A write fell short; decides whether and how to go on. */
static int fell_short(Copy *c, const OdxOpResult *r, uint64_t asked,
                      OdxError *err)
{
    bool gone = c->src && odx_sense_token_gone(&r->sense);

    /* a unit attention came before the command did anything */
    if (r->sense.key != KEY_UNIT_ATTENTION) {
        c->stats->partial++;
    }
    if (must_stop(c)) {
        return stopped(c, err);
    }
    if (!gone && !passes_by(r)) {
        return odx_explain(err, ODX_FAILED, c->dst->lun.name,
                           "WRITE USING TOKEN", &r->sense);
    }
    if (gone && c->plan->wish.strict) {
        /* the token cannot be used, nor need it be deleted */
        c->have_token = false;
        return odx_explain(err, ODX_FAILED, c->dst->lun.name,
                           "WRITE USING TOKEN", &r->sense);
    }
    if (r->count) {
        c->fruitless = 0;
    } else if (count_fruitless(c, c->dst, "WRITE USING TOKEN", &r->sense,
                               err) < 0) {
        return -1;
    }
    if (gone) {
        drop_token(c, r->count == 0);
    } else {
        fit_writes(c, asked, r->count);
    }
    return 0;
}

static int write_piece(Copy *c, OdxError *err)
{
    uint32_t bs = c->dst->block_length;
    uint64_t blocks = odx_min64(c->write_blocks,
                                (c->token_to - c->done) / bs);
    uint64_t offset = c->src ? (c->done - c->token_from) / bs : 0;
    OdxOpResult r;
    unsigned n;

    n = odx_plan_split(&c->plan->dst, c->plan->wish.descriptors,
                       (c->plan->dst_offset + c->done) / bs, blocks,
                       c->ranges);
    if (odx_write_using_token(c->s, c->dst, c->token, offset, c->ranges, n,
                              &r, err) < 0) {
        return -1;
    }
    c->done += r.count * bs;
    c->stats->bytes = c->done;
    odx_progress_update(c->progress, c->done, now(c));
    if (r.count < blocks) {
        return fell_short(c, &r, blocks, err);
    }
    c->fruitless = 0;
    fit_writes(c, blocks, blocks);
    if (c->done == c->token_to) {
        delete_token(c);
        /* one that was made smaller grows back */
        c->token_blocks = odx_min64(c->token_blocks * 2,
                                    c->plan->src.blocks);
    }
    return 0;
}

static int copy_all(Copy *c, OdxError *err)
{
    while (c->done < c->plan->length) {
        if (must_stop(c)) {
            return stopped(c, err);
        }
        if (refresh_limits(c, err) < 0) {
            return -1;
        }
        if (!c->have_token) {
            if (!c->src) {
                make_zero_token(c);
            } else if (make_token(c, err) < 0) {
                return -1;
            }
            continue;
        }
        if (write_piece(c, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int odx_copy(OdxSession *s, OdxPlan *plan, OdxDevice *src, OdxDevice *dst,
             const OdxCopyOptions *options, OdxProgress *progress,
             OdxCopyStats *stats, OdxError *err)
{
    Copy *c = calloc(1, sizeof(*c));
    int ret;

    memset(stats, 0, sizeof(*stats));
    if (!c) {
        return odx_fail(err, ODX_IO, "out of memory");
    }
    c->s = s;
    c->plan = plan;
    c->src = src;
    c->dst = dst;
    c->options = options;
    c->progress = progress;
    c->stats = stats;
    c->token_blocks = plan->src.blocks;
    c->write_blocks = plan->dst.blocks;
    s->progress = on_progress;
    s->progress_opaque = c;
    ret = copy_all(c, err);
    s->progress = NULL;
    if (ret < 0 && err->code != ODX_IO) {
        delete_token(c);
    }
    odx_progress_end(progress, c->done, now(c));
    free(c);
    return ret;
}
