/*
 * Discovery: what a LUN says of its third-party copy commands
 *
 * VPD page 8Fh (SPC-4 7.8.17), REPORT SUPPORTED OPERATION CODES (SPC-4 6.35),
 * and the limits that both they and the commands go by, so that what is
 * announced is what works (DESIGN, invariant 4).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "system/block-backend.h"
#include "copy-manager.h"

/* What EXTENDED COPY takes: a copy between two LUNs, in a few segments */
#define XCOPY_CSCDS     8
#define XCOPY_SEGMENTS  64

/*
 * RTV=1 types of POPULATE TOKEN.  A persistent one cannot be promised: the
 * token is revoked by an overlapping write.
 */
static const uint32_t rod_types[] = {
    VSCSI_ROD_PIT_DEFAULT,
    VSCSI_ROD_PIT_VULNERABLE,
    VSCSI_ROD_PIT_ANY,
};

void vscsi_discovery_rod_types(const uint32_t **types, unsigned *n)
{
    *types = rod_types;
    *n = ARRAY_SIZE(rod_types);
}

uint32_t vscsi_discovery_features(VscsiCopyManager *cm)
{
    return VSCSI_FEATURE_ALL;
}

void vscsi_copy_xcopy_limits(VscsiCopyManager *cm, VscsiXcopyLimits *limits)
{
    *limits = (VscsiXcopyLimits) {
        .snlid = true,
        .max_cscds = XCOPY_CSCDS,
        .max_segments = XCOPY_SEGMENTS,
        .max_list_length = vscsi_xcopy_list_length(XCOPY_CSCDS,
                                                   XCOPY_SEGMENTS),
        .total_concurrent = cm->conf->max_copies,
        .max_concurrent = cm->conf->max_copies,
        .data_granularity_log2 = ctz32(cm->dev->blocksize),
    };
}

void vscsi_copy_limits(VscsiCopyManager *cm, VscsiLimits *limits)
{
    const VscsiCopyConf *conf = cm->conf;
    uint32_t block_size = cm->dev->blocksize;
    uint64_t sectors = 0;

    blk_get_geometry(cm->blk, &sectors);
    *limits = (VscsiLimits) {
        .capacity_blocks = sectors / (block_size / BDRV_SECTOR_SIZE),
        .block_size = block_size,
        .max_ranges = conf->max_ranges,
        .max_token_blocks = conf->max_token_size / block_size,
        .max_rod_bytes = conf->max_token_size,
        .max_inactivity_s = conf->max_inactivity,
        .default_inactivity_s = conf->default_inactivity,
    };
    vscsi_discovery_rod_types(&limits->rod_types, &limits->n_rod_types);
}

size_t vscsi_discovery_vpd_8f(VscsiCopyManager *cm, uint8_t *buf, size_t size)
{
    const VscsiCopyConf *conf = cm->conf;
    uint32_t block_size = cm->dev->blocksize;
    VscsiDiscovery d = {
        .qualifier_and_type = cm->dev->type & 0x1f,
        .features = vscsi_discovery_features(cm),
        .block_size = block_size,
        .max_ranges = conf->max_ranges,
        .max_inactivity_s = conf->max_inactivity,
        .default_inactivity_s = conf->default_inactivity,
        .max_token_blocks = conf->max_token_size / block_size,
        .optimal_blocks = conf->optimal_size / block_size,
        .remote_tokens = 0,
        .min_lifetime_s = 1,
        .max_lifetime_s = UINT32_MAX,
        .optimal_granularity_blocks = 1,
        .n_rod_types = 4,
        .rod_type = {
            {
                .type = VSCSI_ROD_PIT_DEFAULT,
                .token_in = true, .token_out = true,
            }, {
                .type = VSCSI_ROD_PIT_VULNERABLE,
                .token_in = true, .token_out = true,
            }, {
                .type = VSCSI_ROD_PIT_ANY,
                .token_out = true,
            }, {
                .type = VSCSI_ROD_ZERO,
                .token_in = true,
            },
        },
        .total_concurrent = conf->max_copies,
        .max_identified = conf->max_copies,
        .segment_granularity_log2 = ctz32(block_size),
    };

    vscsi_copy_xcopy_limits(cm, &d.xcopy);
    return vscsi_vpd_8f_encode(buf, size, &d);
}

bool vscsi_discovery_rsoc(VscsiCopyManager *cm, const uint8_t *cdb,
                          uint8_t **buf, size_t *len, VscsiSense *sense)
{
    VscsiOpcodeTable tables[] = {
        vscsi_opcodes_disk(),
        vscsi_opcodes_copy(vscsi_discovery_features(cm)),
    };
    VscsiRsocCdb rsoc;

    *buf = NULL;
    if (!vscsi_rsoc_cdb_decode(cdb, &rsoc, sense) ||
        !vscsi_rsoc_encode(NULL, 0, &rsoc, tables, ARRAY_SIZE(tables), len,
                           sense)) {
        return false;
    }
    *buf = g_malloc0(*len);
    return vscsi_rsoc_encode(*buf, *len, &rsoc, tables, ARRAY_SIZE(tables), len,
                             sense);
}

void vscsi_copy_designator(VscsiCopyManager *cm, VscsiDesignator *designator)
{
    *designator = (VscsiDesignator) {
        .code_set = VSCSI_CODE_SET_BINARY,
        .association = VSCSI_ASSOC_LUN,
        .type = VSCSI_DESIGNATOR_NAA,
        .length = 8,
    };
    stq_be_p(designator->bytes, cm->dev->wwn);
}
