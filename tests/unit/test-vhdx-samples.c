/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Images that other programs wrote, from QEMU's own tests: what the codec
 * reads in them.  VSCSI_VHDX_SAMPLES is their folder, or else the build option
 * vhdx_samples; where they are not, or bunzip2 is not, all is skipped.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "unit.h"
#include "block/vhdx/format-bat.h"
#include "block/vhdx/format-metadata.h"
#include "vhdx-log-fixture.h"

/* All that is looked at lies below; payload is not. */
#define KEPT (32 * VHDX_MIB)

typedef struct Sample {
    uint8_t *buf;               /* KEPT bytes */
    uint64_t size;
    char *creator;
    VhdxHeader slot[2];
    VhdxHeaderState now;
    VhdxRegionTable regions;
    VhdxRegionTablesState tables;
    VhdxLayout layout;
    VhdxMetadataTable items;
    VhdxParams params;
    VhdxGeometry geo;
} Sample;

static const char *samples(void)
{
    const char *given = g_getenv("VSCSI_VHDX_SAMPLES");

    return given ? given : VHDX_SAMPLES;
}

static void skip(const char *why)
{
    printf("skipped: %s\n", why);
    fflush(stdout);
    exit(77);
}

/* Unpack @name; false if it cannot be had. */
static bool sample_unpack(Sample *s, const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *quoted = g_shell_quote(path);
    g_autofree char *command = g_strdup_printf("bunzip2 -c %s", quoted);
    g_autofree uint8_t *rest = g_malloc(65536);
    FILE *f = popen(command, "r");
    size_t n;

    s->buf = g_malloc0(KEPT);
    ck_assert_ptr_nonnull(f);
    s->size = fread(s->buf, 1, KEPT, f);
    while ((n = fread(rest, 1, 65536, f)) > 0) {
        s->size += n;
    }
    return pclose(f) == 0 && s->size > 0;
}

#define MUST(call)                                              \
    do {                                                        \
        VhdxError err = { 0 };                                  \
        if (!(call)) {                                          \
            ck_abort_msg("%s", vhdx_error_text(&err));          \
        }                                                       \
    } while (0)

static void sample_headers(Sample *s)
{
    MUST(vhdx_identifier_decode(s->buf, VHDX_IDENTIFIER_LEN, &s->creator,
                                &err));
    for (unsigned i = 0; i < 2; i++) {
        MUST(vhdx_header_decode(s->buf + vhdx_header_offset(i),
                                VHDX_HEADER_LEN, vhdx_header_offset(i),
                                &s->slot[i], &err));
    }
    MUST(vhdx_headers_choose(s->buf + VHDX_HEADER_1, VHDX_HEADER_LEN,
                             s->buf + VHDX_HEADER_2, VHDX_HEADER_LEN,
                             &s->now, NULL, &err));
    MUST(vhdx_header_check(&s->now.header, vhdx_header_offset(s->now.slot),
                           s->size, &err));
    MUST(vhdx_region_tables_choose(s->buf + VHDX_REGION_TABLE_1,
                                   VHDX_REGION_TABLE_LEN,
                                   s->buf + VHDX_REGION_TABLE_2,
                                   VHDX_REGION_TABLE_LEN, &s->regions,
                                   &s->tables, &err));
    MUST(vhdx_layout_init_file(&s->layout, &s->now.header, &s->regions,
                               s->size, &err));
}

static void sample_metadata(Sample *s)
{
    const VhdxRegion *r = &s->regions.region[s->regions.metadata];

    MUST(vhdx_metadata_decode(s->buf + r->offset, VHDX_METADATA_TABLE_LEN,
                              r->offset, r->length, &s->items, &err));
    for (unsigned kind = 0; kind < VHDX_ITEM_PARENT_LOCATOR; kind++) {
        const VhdxItem *item = vhdx_metadata_find(&s->items, kind);

        MUST(vhdx_params_decode(&s->params, kind,
                                s->buf + r->offset + item->offset,
                                item->length, r->offset + item->offset,
                                &err));
    }
    MUST(vhdx_params_check(&s->params, &s->items, r->offset, &s->geo, &err));
    MUST(vhdx_geometry_check_bat(&s->geo,
                                 &s->regions.region[s->regions.bat], &err));
}

static Sample *sample_open(const char *name)
{
    Sample *s = g_new0(Sample, 1);

    if (!sample_unpack(s, samples(), name)) {
        ck_abort_msg("%s cannot be unpacked", name);
    }
    sample_headers(s);
    sample_metadata(s);
    return s;
}

static void sample_close(Sample *s)
{
    vhdx_region_table_destroy(&s->regions);
    vhdx_layout_destroy(&s->layout);
    vhdx_metadata_destroy(&s->items);
    g_free(s->creator);
    g_free(s->buf);
    g_free(s);
}

/* Check all entries, and that no two blocks overlap; count the states. */
static void sample_bat(Sample *s, unsigned states[8])
{
    uint64_t at = s->regions.region[s->regions.bat].offset;
    VhdxBatRules rules = { &s->geo, at, s->size, &s->layout };

    memset(states, 0, 8 * sizeof(*states));
    for (uint64_t i = 0; i < s->geo.bat_entries; i++) {
        VhdxBatEntry entry;
        uint64_t number;

        MUST(vhdx_bat_entry_check(&rules, i, ldq_le_p(s->buf + at + 8 * i),
                                  &entry, &err));
        if (!vhdx_bat_is_sb(&s->geo, i, &number)) {
            states[entry.state]++;
        }
        if (entry.offset) {
            MUST(vhdx_layout_add(&s->layout, "block", entry.offset,
                                 s->geo.block_size, &err));
        }
    }
}

/* Decoded and encoded again, the fixed structures are the same bytes. */
static void sample_encode_again(Sample *s, bool headers)
{
    const VhdxRegion *r = &s->regions.region[s->regions.metadata];
    uint8_t *buf = malloc(VHDX_REGION_TABLE_LEN);

    for (unsigned i = 0; headers && i < 2; i++) {
        vhdx_header_encode(buf, &s->slot[i]);
        ck_assert(!memcmp(buf, s->buf + vhdx_header_offset(i),
                          VHDX_HEADER_LEN));
    }
    vhdx_region_table_encode(buf, &s->regions);
    ck_assert(!memcmp(buf, s->buf + VHDX_REGION_TABLE_1,
                      VHDX_REGION_TABLE_LEN));
    vhdx_metadata_encode(buf, &s->items);
    /* Hyper-V leaves a former entry behind the ones that count. */
    ck_assert(!memcmp(buf, s->buf + r->offset, 32 + 32 * s->items.n));
    free(buf);
}

static void assert_params(const Sample *s, uint64_t size, uint32_t block,
                          uint32_t logical, uint32_t physical)
{
    ck_assert_uint_eq(s->params.disk_size, size);
    ck_assert_uint_eq(s->params.block_size, block);
    ck_assert_uint_eq(s->params.logical_sector, logical);
    ck_assert_uint_eq(s->params.physical_sector, physical);
    ck_assert(!s->params.has_parent && !s->params.leave_allocated);
    ck_assert(!guid_is_zero(&s->params.disk_id));
    ck_assert_int_eq(s->tables, VHDX_TABLES_EQUAL);
}

START_TEST(sample_of_hyper_v)
{
    Sample *s = sample_open("iotest-dynamic-1G.vhdx.bz2");
    VhdxLogRing ring;
    VhdxLogSequence sequence;
    unsigned states[8];

    ck_assert_ptr_nonnull(strstr(s->creator, "6.2.9200"));
    assert_params(s, 1024 * VHDX_MIB, 32 * VHDX_MIB, 512, 4096);
    ck_assert(guid_is_zero(&s->now.header.log_guid));
    ck_assert_uint_eq(s->now.header.log_offset, VHDX_MIB);
    ck_assert_uint_eq(s->now.header.log_length, VHDX_MIB);
    ck_assert_uint_eq(s->regions.region[s->regions.metadata].offset,
                      2 * VHDX_MIB);
    ck_assert_uint_eq(s->regions.region[s->regions.bat].offset, 3 * VHDX_MIB);
    sample_encode_again(s, true);
    sample_bat(s, states);
    ck_assert_uint_eq(states[VHDX_BAT_PRESENT], 3);
    ck_assert_uint_eq(states[VHDX_BAT_ZERO], 29);

    /* What is left of its log: an empty entry, then one more. */
    ring = log_ring(s->buf + VHDX_MIB, VHDX_MIB);
    ring.log_guid = guid_load(s->buf + VHDX_MIB + 32);
    ck_assert_int_eq(vhdx_log_scan(&ring, &sequence, NULL), 0);
    ck_assert_uint_eq(sequence.flushed_file_offset, 0);
    sample_close(s);
}
END_TEST

START_TEST(sample_of_disk2vhd)
{
    Sample *s = sample_open("test-disk2vhd.vhdx.bz2");
    unsigned states[8];

    ck_assert_str_eq(s->creator, "d2v");
    assert_params(s, 256 * VHDX_MIB, 2 * VHDX_MIB, 512, 512);
    ck_assert_uint_eq(s->size, 260 * VHDX_MIB + 512);
    ck_assert_uint_eq(s->slot[0].sequence, s->slot[1].sequence);
    ck_assert_uint_eq(s->now.slot, 0);
    sample_encode_again(s, true);
    sample_bat(s, states);
    ck_assert_uint_eq(states[VHDX_BAT_PRESENT], 128);
    sample_close(s);
}
END_TEST

/* How many valid entries of any LogGuid the log has. */
static unsigned log_entries_of_any_guid(const Sample *s)
{
    const uint8_t *log = s->buf + s->now.header.log_offset;
    unsigned n = 0;

    for (uint32_t at = 0; at < s->now.header.log_length; at += SECTOR) {
        Guid guid = guid_load(log + at + 32);
        VhdxLogChecker checker;

        if (vhdx_log_check_first(&checker, log + at, 0,
                                 s->now.header.log_length, &guid, NULL)) {
            while (!vhdx_log_check_done(&checker)) {
                ck_assert(vhdx_log_check_next(&checker, log + at +
                          checker.done * SECTOR, 0, NULL));
            }
            n++;
        }
    }
    return n;
}

START_TEST(sample_of_qemu_with_a_log_to_replay)
{
    Sample *s = sample_open("iotest-dirtylog-10G-4M.vhdx.bz2");
    const VhdxHeader *h = &s->now.header;
    VhdxLogRing ring;
    VhdxLogSequence sequence;
    VhdxReplay *replay = g_new(VhdxReplay, 1);
    VhdxLogChange change;
    unsigned states[8], changes = 0;

    ck_assert_ptr_nonnull(strstr(s->creator, "QEMU v1.6.50"));
    assert_params(s, 10 * 1024 * VHDX_MIB, VHDX_MIB, 512, 512);
    ck_assert(!guid_is_zero(&h->log_guid));
    ck_assert(!guid_equal(&s->slot[0].data_write_guid,
                          &s->slot[1].data_write_guid));
    ck_assert_uint_eq(log_entries_of_any_guid(s), 7);

    ring = log_ring(s->buf + h->log_offset, h->log_length);
    ring.offset = h->log_offset;
    ring.log_guid = h->log_guid;
    ck_assert_int_eq(vhdx_log_scan(&ring, &sequence, NULL), 0);
    ck_assert_uint_eq(sequence.head_sequence, 7);
    ck_assert_uint_eq(sequence.entries, 1);
    MUST(vhdx_log_sequence_check(&ring, &sequence, s->size, &err));
    sample_bat(s, states);
    ck_assert_uint_eq(states[VHDX_BAT_PRESENT], 17);

    vhdx_replay_init(replay, &ring, &sequence,
                     MAX(s->size, sequence.last_file_offset_max));
    while (vhdx_replay_next(replay, &change, NULL) > 0) {
        ck_assert_ptr_nonnull(change.page);
        ck_assert_uint_le(change.offset, KEPT - VHDX_PAGE);
        memcpy(s->buf + change.offset, change.page, VHDX_PAGE);
        changes++;
    }
    ck_assert_uint_eq(changes, 1);
    /* 18 MiB were written, in blocks of 1 MiB: the log has the last one. */
    vhdx_layout_destroy(&s->layout);
    MUST(vhdx_layout_init_file(&s->layout, h, &s->regions, s->size, &err));
    sample_bat(s, states);
    ck_assert_uint_eq(states[VHDX_BAT_PRESENT], 18);
    g_free(replay);
    sample_close(s);
}
END_TEST

int main(void)
{
    g_autofree char *bunzip2 = g_find_program_in_path("bunzip2");
    g_autofree char *one = NULL;
    Suite *suite = suite_create("vhdx-samples");
    TCase *tc = unit_case(suite, "samples");

    if (!bunzip2) {
        skip("there is no bunzip2");
    }
    one = g_build_filename(samples(), "test-disk2vhd.vhdx.bz2", NULL);
    if (!g_file_test(one, G_FILE_TEST_EXISTS)) {
        skip("QEMU's sample images are not there; scripts/setup unpacks its "
             "source below build/qemu-src");
    }
    tcase_add_test(tc, sample_of_hyper_v);
    tcase_add_test(tc, sample_of_disk2vhd);
    tcase_add_test(tc, sample_of_qemu_with_a_log_to_replay);
    return unit_run(suite);
}
