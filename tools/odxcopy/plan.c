/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "plan.h"

/* Where a device recommends no size: what Windows takes. */
#define DEFAULT_CHUNK (64 * 1024 * 1024)
/* Bytes that are whole blocks of both disks; more is not sensible. */
#define MAX_UNIT (64 * 1024 * 1024)

typedef unsigned long long ull;

/* Digits and a suffix up to @end; NULL where there is no such number. */
static const char *parse_number(const char *text, uint64_t *bytes)
{
    static const char suffixes[] = "KMGT";
    const char *p = text, *s;
    uint64_t n = 0;

    if (*p < '0' || *p > '9') {
        return NULL;
    }
    for (; *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n)) {
            return NULL;
        }
    }
    s = *p ? strchr(suffixes, *p) : NULL;
    if (s) {
        unsigned shift = 10 * (unsigned)(s - suffixes + 1);

        if (n > UINT64_MAX >> shift) {
            return NULL;
        }
        n <<= shift;
        p++;
    }
    *bytes = n;
    return p;
}

bool odx_size_parse(const char *text, uint64_t *bytes)
{
    const char *end = parse_number(text, bytes);

    return end && *end == '\0';
}

/* What stands behind the last ':': OFFSET or OFFSET+LENGTH. */
static bool parse_range(const char *text, OdxOperand *out)
{
    const char *p = parse_number(text, &out->offset);

    if (!p) {
        return false;
    }
    if (*p == '+') {
        out->has_length = true;
        p = parse_number(p + 1, &out->length);
    }
    return p && *p == '\0';
}

int odx_operand_parse(OdxTransport *t, const char *text, OdxOperand *out,
                      OdxError *err)
{
    const char *colon = strrchr(text, ':');
    size_t n = strlen(text);

    memset(out, 0, sizeof(*out));
    if (colon && !t->exists(t, text)) {
        if (!parse_range(colon + 1, out)) {
            return odx_fail(err, ODX_USAGE, "%s: \"%s\" is not a range. "
                            "Write OFFSET or OFFSET+LENGTH in bytes, with K, "
                            "M, G or T if you like, for example 1M+64K.",
                            text, colon + 1);
        }
        n = (size_t)(colon - text);
    }
    if (n == 0 || n >= sizeof(out->path)) {
        return odx_fail(err, ODX_USAGE, "\"%s\": the name of a disk is "
                        "missing or too long", text);
    }
    memcpy(out->path, text, n);
    out->path[n] = '\0';
    return 0;
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t r = a % b;

        a = b;
        b = r;
    }
    return a;
}

static int check_multiple(const char *what, uint64_t value, uint64_t unit,
                          const char *whose, OdxError *err)
{
    uint64_t below = value - value % unit;

    if (value == below) {
        return 0;
    }
    return odx_fail(err, ODX_USAGE, "the %s %llu is not a multiple of %llu "
                    "bytes, the block size of %s. The nearest that fit are "
                    "%llu and %llu.", what, (ull)value, (ull)unit, whose,
                    (ull)below, (ull)odx_min64(below, UINT64_MAX - unit) +
                    (ull)unit);
}

static int check_fits(const OdxDevice *dev, uint64_t offset, uint64_t length,
                      OdxError *err)
{
    uint64_t size = odx_device_bytes(dev);

    if (offset > size) {
        return odx_fail(err, ODX_USAGE, "%s: offset %llu lies beyond the "
                        "end of the disk, which has %llu bytes",
                        dev->lun.name, (ull)offset, (ull)size);
    }
    if (length > size - offset) {
        return odx_fail(err, ODX_USAGE, "%s: %llu bytes from offset %llu on "
                        "reach beyond the end of the disk, which has %llu "
                        "bytes. At most %llu bytes fit: give the source a "
                        "length (:OFFSET+LENGTH).", dev->lun.name,
                        (ull)length, (ull)offset, (ull)size,
                        (ull)(size - offset));
    }
    return 0;
}

static int check_overlap(const OdxPlan *plan, const OdxDevice *src,
                         const OdxDevice *dst, OdxError *err)
{
    uint64_t a = plan->src_offset, b = plan->dst_offset;

    if (!plan->length || a >= b + plan->length || b >= a + plan->length ||
        !odx_device_same(src, dst)) {
        return 0;
    }
    return odx_fail(err, ODX_UNSAFE, "%s and %s are the same disk (by its "
                    "identification, VPD page 83h), and the ranges overlap: "
                    "%llu to %llu and %llu to %llu. Choose ranges that do "
                    "not touch.", src->lun.name, dst->lun.name, (ull)a,
                    (ull)(a + plan->length - 1), (ull)b,
                    (ull)(b + plan->length - 1));
}

int odx_plan_ranges(OdxPlan *plan, const OdxOperand *src_operand,
                    const OdxDevice *src, const OdxOperand *dst_operand,
                    OdxDevice *dst, OdxError *err)
{
    const OdxOperand *from = src ? src_operand : dst_operand;
    const OdxDevice *from_dev = src ? src : dst;
    uint64_t end = odx_device_bytes(from_dev);

    plan->src_offset = src ? src_operand->offset : 0;
    plan->dst_offset = dst_operand->offset;
    plan->unit = dst->block_length;
    if (src) {
        plan->unit = src->block_length /
            gcd(src->block_length, dst->block_length) *
            (uint64_t)dst->block_length;
        if (plan->unit > MAX_UNIT) {
            return odx_fail(err, ODX_CANNOT, "blocks of %u bytes (%s) and "
                            "of %u bytes (%s) do not fit each other",
                            src->block_length, src->lun.name,
                            dst->block_length, dst->lun.name);
        }
    }
    if (from->has_length) {
        plan->length = from->length;
    } else {
        plan->length = end > from->offset ? end - from->offset : 0;
    }
    if (src &&
        (check_multiple("source offset", plan->src_offset,
                        src->block_length, src->lun.name, err) < 0 ||
         check_multiple("length", plan->length, src->block_length,
                        src->lun.name, err) < 0)) {
        return -1;
    }
    if (check_multiple("destination offset", plan->dst_offset,
                       dst->block_length, dst->lun.name, err) < 0 ||
        check_multiple("length", plan->length, dst->block_length,
                       dst->lun.name, err) < 0) {
        return -1;
    }
    if ((src && check_fits(src, plan->src_offset, plan->length, err) < 0) ||
        check_fits(dst, plan->dst_offset, plan->length, err) < 0 ||
        (src && check_overlap(plan, src, dst, err) < 0)) {
        return -1;
    }
    dst->write_first = plan->dst_offset / dst->block_length;
    dst->write_end = dst->write_first + plan->length / dst->block_length;
    return 0;
}

/*
 * What one command on @dev may have.  @want: bytes that are wished for; the
 * device's bounds go before it.
 */
static int find_pieces(const OdxDevice *dev, const OdxWish *wish,
                       uint64_t want, OdxPieces *out, OdxError *err)
{
    const OdxTpcLimits *l = &dev->limits;
    uint64_t range = UINT32_MAX;

    /* MAX RANGE DESCRIPTORS not reported: one is sure, more only if told */
    out->ranges = l->max_ranges ? l->max_ranges :
                  wish->descriptors ? wish->descriptors : 1;
    if (out->ranges > ODX_MAX_RANGES) {
        out->ranges = ODX_MAX_RANGES;
    }
    if (wish->descriptors > out->ranges) {
        return odx_fail(err, ODX_CANNOT, "%s takes %u range descriptors in "
                        "one command; --descriptors %u is more",
                        dev->lun.name, out->ranges, wish->descriptors);
    }
    range = odx_bound(range, l->max_rod_bytes / dev->block_length);
    if (!l->has_block_features) {
        /* then MAXIMUM TRANSFER LENGTH bounds each descriptor */
        range = odx_bound(range, dev->max_transfer_blocks);
    }
    out->range_blocks = (uint32_t)range;
    out->blocks = odx_bound(want / dev->block_length, l->max_token_blocks);
    out->blocks = odx_bound(out->blocks,
                            l->max_rod_bytes / dev->block_length);
    out->blocks = odx_min64(out->blocks, range * out->ranges);
    return 0;
}

/* The wish in bytes for commands on @dev. */
static uint64_t wanted(const OdxWish *wish, const OdxDevice *dev)
{
    if (wish->chunk) {
        return wish->chunk;
    }
    if (dev->limits.optimal_blocks) {
        return odx_mul_sat(dev->limits.optimal_blocks, dev->block_length);
    }
    return DEFAULT_CHUNK;
}

static int source_pieces(OdxPlan *plan, const OdxDevice *src, OdxError *err)
{
    uint64_t want = plan->wish.strict ? plan->length :
                    wanted(&plan->wish, src);
    uint64_t unit = plan->unit / src->block_length;

    if (want < plan->unit) {
        want = plan->unit;
    }
    if (find_pieces(src, &plan->wish, want, &plan->src, err) < 0) {
        return -1;
    }
    plan->src.blocks -= plan->src.blocks % unit;
    if (plan->src.blocks == 0) {
        return odx_fail(err, ODX_CANNOT, "%s: its tokens are too small: a "
                        "token for one block of the destination has to "
                        "cover %llu bytes", src->lun.name, (ull)plan->unit);
    }
    if (plan->wish.strict &&
        plan->src.blocks < plan->length / src->block_length) {
        return odx_fail(err, ODX_CANNOT, "%s: one token covers at most %llu "
                        "bytes, but %llu are to be copied: the copy would "
                        "not be of one point in time. Copy less, or without "
                        "--strict.", src->lun.name,
                        (ull)(plan->src.blocks * src->block_length),
                        (ull)plan->length);
    }
    return 0;
}

int odx_plan_pieces(OdxPlan *plan, const OdxDevice *src,
                    const OdxDevice *dst, OdxError *err)
{
    uint64_t want = wanted(&plan->wish, dst);

    if ((src && check_fits(src, plan->src_offset, plan->length, err) < 0) ||
        check_fits(dst, plan->dst_offset, plan->length, err) < 0) {
        err->code = ODX_FAILED;
        return -1;
    }
    if (src && source_pieces(plan, src, err) < 0) {
        return -1;
    }
    if (want < dst->block_length) {
        want = dst->block_length;
    }
    return find_pieces(dst, &plan->wish, want, &plan->dst, err);
}

unsigned odx_plan_split(const OdxPieces *pieces, unsigned descriptors,
                        uint64_t lba, uint64_t blocks, OdxRange *ranges)
{
    uint64_t n = (blocks + pieces->range_blocks - 1) / pieces->range_blocks;
    uint64_t each, longer;

    if (n < descriptors) {
        n = odx_min64(descriptors, blocks);
    }
    if (n == 0) {
        return 0;
    }
    each = blocks / n;
    longer = blocks % n;        /* so many get one block more */
    for (uint64_t i = 0; i < n; i++) {
        ranges[i].lba = lba;
        ranges[i].blocks = (uint32_t)(each + (i < longer));
        lba += ranges[i].blocks;
    }
    return (unsigned)n;
}
