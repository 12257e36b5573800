/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "copy.h"
#include "info.h"
#include "options.h"
#include "run.h"
#include "summary.h"
#include "verify.h"

/* One run of the program. */
typedef struct Run {
    OdxTransport *t;
    OdxOptions o;
    FILE *out, *err_out;
    bool terminal;
    OdxOperand src_operand, dst_operand;
    OdxDevice src, dst;
    bool has_src;               /* false: --zero */
    OdxPlan plan;
    OdxSession session;
    OdxSummary summary;
} Run;

static FILE *progress_file(Run *r)
{
    return r->o.quiet ? NULL : r->err_out;
}

static int info(Run *r, OdxError *err)
{
    int ret;

    if (odx_operand_parse(r->t, r->o.dst, &r->dst_operand, err) < 0) {
        return -1;
    }
    ret = odx_device_open(&r->dst, r->t, r->dst_operand.path, ODX_READ,
                          true, err);
    if (ret == 0) {
        odx_info_print(r->out, &r->dst);
        ret = odx_device_require_tokens(&r->dst, 0, err);
    }
    odx_device_close(&r->dst);
    return ret;
}

static int parse_operands(Run *r, OdxError *err)
{
    if (odx_operand_parse(r->t, r->o.dst, &r->dst_operand, err) < 0) {
        return -1;
    }
    if (r->o.action == ODX_ACTION_ZERO) {
        return 0;
    }
    r->has_src = true;
    if (r->dst_operand.has_length) {
        return odx_fail(err, ODX_USAGE, "%s: the length belongs to the "
                        "source: SRC:OFFSET+LENGTH DST:OFFSET", r->o.dst);
    }
    return odx_operand_parse(r->t, r->o.src, &r->src_operand, err);
}

static int check_inactivity(const Run *r, OdxError *err)
{
    uint32_t max = r->src.limits.max_inactivity;

    if (!r->has_src || max == 0 || max == UINT32_MAX ||
        r->o.inactivity_s <= max) {
        return 0;
    }
    return odx_fail(err, ODX_CANNOT, "%s: --timeout %u is longer than the "
                    "%u seconds that the disk allows", r->src.lun.name,
                    r->o.inactivity_s, max);
}

static int check_zero_token(const Run *r, OdxError *err)
{
    const OdxTpcLimits *l = &r->dst.limits;

    if (r->has_src || !l->has_rod_types || l->zero_token) {
        return 0;
    }
    return odx_fail(err, ODX_CANNOT, "%s: this disk lists the tokens that "
                    "it accepts (VPD page 8Fh), and the zero token is not "
                    "among them. Write zeroes with blkdiscard -z.",
                    r->dst.lun.name);
}

/* Opens, asks and judges both disks; fixes what goes where. */
static int prepare(Run *r, OdxError *err)
{
    OdxDevice *src = r->has_src ? &r->src : NULL;
    uint32_t from = TPC_HAS_POPULATE | TPC_HAS_TOKEN_INFORMATION;
    uint32_t to = TPC_HAS_WRITE_USING | TPC_HAS_TOKEN_INFORMATION;

    /* the source first: holding the destination must not look like a user */
    if (src && odx_device_open(src, r->t, r->src_operand.path, ODX_READ,
                               false, err) < 0) {
        return -1;
    }
    if (odx_device_open(&r->dst, r->t, r->dst_operand.path, ODX_WRITE,
                        r->o.force, err) < 0 ||
        (src && odx_device_require_tokens(src, from, err) < 0) ||
        odx_device_require_tokens(&r->dst, to, err) < 0 ||
        check_inactivity(r, err) < 0 || check_zero_token(r, err) < 0) {
        return -1;
    }
    r->plan.wish.chunk = r->o.chunk;
    r->plan.wish.descriptors = r->o.descriptors;
    r->plan.wish.strict = r->o.strict && src;
    if (odx_plan_ranges(&r->plan, &r->src_operand, src, &r->dst_operand,
                        &r->dst, err) < 0 ||
        odx_plan_pieces(&r->plan, src, &r->dst, err) < 0) {
        return -1;
    }
    r->summary.requested = r->plan.length;
    if (src && r->t->in_use(r->t, src->lun.node) && !r->o.quiet) {
        fprintf(r->err_out, "odxcopy: note: %s is mounted or in use; the "
                "copy holds the disk as it is now, without what programs "
                "and file systems have not written yet\n", src->lun.name);
    }
    return 0;
}

static void start_session(Run *r)
{
    OdxSession *s = &r->session;

    s->transport = r->t;
    s->immed = r->o.immed;
    s->command_timeout_ms = r->o.command_timeout_s * 1000;
    if (r->o.abort_after_ms) {
        s->abort_at_ms = r->t->now_ms(r->t) + r->o.abort_after_ms;
    }
    /* Ids below 100h may belong to users of the 8-bit commands. */
    s->next_list_id = r->o.has_list_id ? r->o.list_id :
                      r->t->random(r->t) | 0x100;
}

static int settle(Run *r, OdxError *err)
{
    if (r->has_src && r->t->settle(r->t, r->src.lun.node, err) < 0) {
        return -1;
    }
    return r->t->settle(r->t, r->dst.lun.node, err);
}

static int transfer(Run *r, OdxError *err)
{
    OdxCopyOptions options = {
        .inactivity_s = r->o.inactivity_s,
        .delete_tokens = r->o.delete_token,
    };
    OdxDevice *src = r->has_src ? &r->src : NULL;
    OdxProgress progress;
    uint64_t begin;
    int ret;

    if (settle(r, err) < 0) {
        return -1;
    }
    start_session(r);
    begin = r->t->now_ms(r->t);
    odx_progress_start(&progress, progress_file(r), r->terminal,
                       src ? "copy" : "zero", r->plan.length, begin);
    ret = odx_copy(&r->session, &r->plan, src, &r->dst, &options, &progress,
                   &r->summary.stats, err);
    if (ret == 0) {
        ret = odx_flush(&r->dst, err);
    }
    r->summary.ms = r->t->now_ms(r->t) - begin;
    r->summary.writes = r->session.writes;
    r->summary.polls = r->session.polls;
    if (ret < 0) {
        OdxError ignored;

        /* the first failure is the one to tell */
        (void)r->t->settle(r->t, r->dst.lun.node, &ignored);
        return -1;
    }
    return r->t->settle(r->t, r->dst.lun.node, err);
}

static int verify(Run *r, OdxError *err)
{
    OdxDevice *src = r->has_src ? &r->src : NULL;
    OdxProgress progress;

    if (!r->o.verify) {
        return 0;
    }
    odx_progress_start(&progress, progress_file(r), r->terminal, "verify",
                       r->plan.length, r->t->now_ms(r->t));
    if (odx_verify(&r->plan, src, &r->dst, &progress, err) < 0) {
        return -1;
    }
    r->summary.verified = true;
    return 0;
}

static int copy(Run *r, OdxError *err)
{
    int ret = -1;

    r->summary.zero = r->o.action == ODX_ACTION_ZERO;
    if (parse_operands(r, err) == 0 && prepare(r, err) == 0 &&
        transfer(r, err) == 0 && verify(r, err) == 0) {
        ret = 0;
    }
    odx_device_close(&r->src);
    odx_device_close(&r->dst);
    r->summary.code = ret < 0 ? err->code : ODX_OK;
    r->summary.message = ret < 0 ? err->text : "";
    if (r->o.json) {
        odx_summary_json(r->out, &r->summary);
    } else if (ret == 0 && !r->o.quiet) {
        odx_summary_text(r->out, &r->summary);
    }
    return ret;
}

int odx_run(OdxTransport *t, int argc, char **argv, FILE *out,
            FILE *err_out, bool terminal)
{
    Run r = { .t = t, .out = out, .err_out = err_out, .terminal = terminal };
    OdxError err = { .code = ODX_OK };
    int ret;

    ret = odx_options_parse(&r.o, argc, argv, &err);
    if (ret == 0) {
        switch (r.o.action) {
        case ODX_ACTION_HELP:
            odx_options_help(out);
            break;
        case ODX_ACTION_VERSION:
            fprintf(out, "odxcopy %s\n", ODXCOPY_VERSION);
            break;
        case ODX_ACTION_INFO:
            ret = info(&r, &err);
            break;
        default:
            ret = copy(&r, &err);
            break;
        }
    }
    if (ret < 0) {
        fprintf(err_out, "odxcopy: %s\n", err.text);
    }
    if (fflush(out) != 0 && ret == 0) {
        fprintf(err_out, "odxcopy: cannot write the result\n");
        return ODX_IO;
    }
    return ret < 0 ? (int)err.code : ODX_OK;
}
