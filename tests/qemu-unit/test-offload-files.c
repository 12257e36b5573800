/*
 * Offload between real files: raw, qcow2, a backing chain, QEMU's own faults
 *
 * Which method is possible depends on the file system of the temporary folder,
 * so what is asked here is the data and that the counters add up.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "block/offload.h"
#include "block/qdict.h"
#include "mem-disk.h"
#include "qapi/error.h"
#include "qobject/qdict.h"
#include "qobject/qjson.h"
#include "qemu/cutils.h"
#include "qemu/main-loop.h"
#include "qemu/units.h"

#define DISK_BYTES (32 * MiB)

static char *folder;

static char *path_of(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

/* An image file of @format; @backing may be NULL */
static void create(const char *name, const char *format, const char *backing,
                   int64_t bytes)
{
    g_autofree char *path = path_of(name);
    g_autofree char *base = backing ? path_of(backing) : NULL;

    bdrv_img_create(path, format, base, backing ? "raw" : NULL, NULL, bytes, 0,
                    true, &error_abort);
}

/* Opens @json, in which each %s is the path of @name */
static BlockBackend *open_json(const char *json, const char *name)
{
    g_autofree char *path = path_of(name);
    g_autofree char *text = g_strdup_printf(json, path);
    QDict *options = qobject_to(QDict, qobject_from_json(text, &error_abort));
    BlockDriverState *bs;
    BlockBackend *blk;

    qdict_flatten(options);
    bs = bdrv_open(NULL, NULL, options, BDRV_O_RDWR | BDRV_O_UNMAP,
                   &error_abort);
    blk = blk_new_with_bs(bs, BLK_PERM_CONSISTENT_READ | BLK_PERM_WRITE,
                          BLK_PERM_ALL, &error_abort);
    bdrv_unref(bs);
    blk_set_enable_write_cache(blk, true);
    return blk;
}

static BlockBackend *open_image(const char *format, const char *name)
{
    g_autofree char *json = g_strdup_printf(
        "{'driver': '%s', 'file': {'driver': 'file', 'filename': '%%s'}}",
        format);

    return open_json(json, name);
}

/* Data with holes of many sizes; the same for the same @seed */
static void fill(BlockBackend *blk, int64_t bytes, uint32_t seed)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    g_autofree uint8_t *buf = g_malloc(1 * MiB);
    int64_t at = 0;

    for (int i = 0; i < 1 * MiB; i += 4) {
        stl_he_p(buf + i, g_rand_int(rand) | 1);
    }
    while (at < bytes) {
        int64_t n = (int64_t)g_rand_int_range(rand, 1, 2048) * 512;

        n = MIN(n, bytes - at);
        if (g_rand_boolean(rand)) {
            g_assert_cmpint(blk_pwrite(blk, at, n, buf, 0), ==, 0);
        }
        at += n;
    }
}

static uint8_t *content(BlockBackend *blk, int64_t offset, int64_t bytes)
{
    uint8_t *buf = g_malloc(bytes);

    g_assert_cmpint(blk_pread(blk, offset, bytes, buf, 0), ==, 0);
    return buf;
}

typedef struct Copy {
    OffloadTask task;
    OffloadStats stats;
    RodRange from, to;
    OffloadEnd end;
    bool with_rod;
    int why;                    /* the last reason to fall back, or -1 */
} Copy;

static void note_fallback(OffloadReason reason, int error, void *opaque)
{
    Copy *c = opaque;

    c->why = reason;
    g_test_message("fallback: %s, %d", offload_reason_str(reason), error);
}

static void coroutine_fn copy_entry(void *opaque)
{
    Copy *c = opaque;

    c->task.rod = rod_co_create(c->task.src, &c->from, 1, NULL, NULL,
                                &error_abort);
    c->end = offload_co_run(&c->task);
    rod_unref(c->task.rod);
}

static void copy_init(Copy *c, BlockBackend *src, int64_t from,
                      BlockBackend *dst, int64_t to, int64_t bytes)
{
    *c = (Copy) {
        .from = { from, bytes },
        .to = { to, bytes },
        .why = -1,
        .task = {
            .src = src, .dst = dst, .dst_ranges = &c->to, .nr_dst_ranges = 1,
            .bytes = bytes, .stats = &c->stats, .fallback = note_fallback,
            .opaque = c,
        },
    };
}

/* Copies and compares; the counters add up */
static void copy(Copy *c, BlockBackend *src, int64_t from, BlockBackend *dst,
                 int64_t to, int64_t bytes)
{
    g_autofree uint8_t *want = content(src, from, bytes);
    g_autofree uint8_t *got = NULL;
    int64_t sum = 0;

    copy_init(c, src, from, dst, to, bytes);
    mem_run(copy_entry, c);
    g_assert_cmpint(c->task.error, ==, 0);
    g_assert_cmpint(c->end, ==, OFFLOAD_END_COMPLETE);
    g_assert_cmpint(c->task.done, ==, bytes);
    got = content(dst, to, bytes);
    g_assert_cmpint(memcmp(want, got, bytes), ==, 0);
    for (int m = 0; m < OFFLOAD_METHOD__MAX; m++) {
        g_test_message("%s: %" PRIu64, offload_method_str(m),
                       stat64_get(&c->stats.bytes[m]));
        sum += stat64_get(&c->stats.bytes[m]);
    }
    g_assert_cmpint(sum, ==, bytes);
}

static void test_between_formats(void)
{
    static const char *const formats[] = { "raw", "qcow2", "vhdx" };
    Copy c;

    for (int i = 0; i < ARRAY_SIZE(formats); i++) {
        for (int j = 0; j < ARRAY_SIZE(formats); j++) {
            BlockBackend *src, *dst;

            g_test_message("%s to %s", formats[i], formats[j]);
            create("src", formats[i], NULL, DISK_BYTES);
            create("dst", formats[j], NULL, DISK_BYTES);
            src = open_image(formats[i], "src");
            dst = open_image(formats[j], "dst");
            fill(src, DISK_BYTES, 1);
            fill(dst, DISK_BYTES, 2);
            copy(&c, src, 0, dst, 0, DISK_BYTES);
            /* neither begins nor ends on a cluster */
            copy(&c, src, 1 * MiB + 512, dst, 3 * MiB + 1536, 9 * MiB + 512);
            blk_unref(src);
            blk_unref(dst);
        }
    }
}

static void test_within_a_file(void)
{
    BlockBackend *blk;
    Copy c;

    create("one", "raw", NULL, DISK_BYTES);
    blk = open_image("raw", "one");
    fill(blk, DISK_BYTES, 1);
    copy(&c, blk, 0, blk, 16 * MiB, 16 * MiB);
    g_assert_cmpint(c.why, !=, OFFLOAD_REASON_OVERLAP);
    copy(&c, blk, 0, blk, 512, 8 * MiB - 512);
    g_assert_cmpint(c.why, ==, OFFLOAD_REASON_OVERLAP);
    copy(&c, blk, 4096, blk, 0, 8 * MiB);
    g_assert_cmpint(c.why, ==, OFFLOAD_REASON_OVERLAP);
    blk_unref(blk);
}

static void test_source_with_a_backing_file(void)
{
    BlockBackend *base, *src, *dst;
    Copy c;

    create("base", "raw", NULL, DISK_BYTES / 2);
    base = open_image("raw", "base");
    fill(base, DISK_BYTES / 2, 3);
    blk_unref(base);
    create("src", "qcow2", "base", DISK_BYTES);
    create("dst", "raw", NULL, DISK_BYTES);
    src = open_image("qcow2", "src");
    dst = open_image("raw", "dst");
    fill(src, 4 * MiB, 4);
    copy(&c, src, 0, dst, 0, DISK_BYTES);
    blk_unref(src);
    blk_unref(dst);
}

static void test_compressed_clusters_fall_back_alone(void)
{
    g_autofree uint8_t *buf = g_malloc(64 * KiB);
    BlockBackend *src, *dst;
    Copy c;

    memset(buf, 0x5a, 64 * KiB);
    create("src", "qcow2", NULL, DISK_BYTES);
    create("dst", "raw", NULL, DISK_BYTES);
    src = open_image("qcow2", "src");
    dst = open_image("raw", "dst");
    fill(src, DISK_BYTES / 2, 5);
    for (int i = 0; i < 8; i++) {
        int64_t at = DISK_BYTES / 2 + i * 64 * KiB;

        g_assert_cmpint(blk_pwrite_compressed(src, at, 64 * KiB, buf), ==, 0);
    }
    copy(&c, src, 0, dst, 0, DISK_BYTES);
    g_assert_cmpint(c.why, !=, -1);
    blk_unref(src);
    blk_unref(dst);
}

static void coroutine_fn zero_entry(void *opaque)
{
    Copy *c = opaque;

    c->end = offload_co_run(&c->task);
}

/* No clock is asked: few requests, and no space taken */
static void test_a_terabyte_of_zeroes_is_few_requests(void)
{
    static const char *const formats[] = { "raw", "qcow2" };

    for (int i = 0; i < ARRAY_SIZE(formats); i++) {
        g_autofree char *path = path_of("big");
        BlockBackend *dst;
        struct stat st;
        Copy c;

        create("big", formats[i], NULL, 1 * TiB);
        dst = open_image(formats[i], "big");
        fill(dst, 4 * MiB, 6);
        copy_init(&c, NULL, 0, dst, 1 * MiB + 512, 1 * TiB - 2 * MiB);
        mem_run(zero_entry, &c);
        g_assert_cmpint(c.end, ==, OFFLOAD_END_COMPLETE);
        g_assert_cmpuint(
            stat64_get(&c.stats.operations[OFFLOAD_METHOD_ZERO]), <, 2000);
        blk_unref(dst);
        g_assert_cmpint(stat(path, &st), ==, 0);
        g_test_message("%s takes %lld", formats[i],
                       (long long)st.st_blocks * 512);
        g_assert_cmpint(st.st_blocks * 512, <, 16 * MiB);
        unlink(path);
    }
}

static void test_blkdebug_read_error_counts_what_is_before_it(void)
{
    g_autofree uint8_t *want = NULL, *got = NULL;
    BlockBackend *src, *dst;
    Copy c;

    create("src", "raw", NULL, DISK_BYTES);
    create("dst", "raw", NULL, DISK_BYTES);
    src = open_image("raw", "src");
    fill(src, DISK_BYTES, 7);
    blk_unref(src);
    src = open_json("{'driver': 'blkdebug', 'image': {'driver': 'file', "
                    "'filename': '%s'}, 'inject-error': [{'event': 'none', "
                    "'iotype': 'read', 'errno': 5, 'sector': 20480}]}", "src");
    dst = open_image("raw", "dst");
    copy_init(&c, src, 0, dst, 0, DISK_BYTES);
    mem_run(copy_entry, &c);
    g_assert_cmpint(c.end, ==, OFFLOAD_END_READ_ERROR);
    g_assert_cmpint(c.task.error, ==, -EIO);
    g_assert_cmpint(c.task.done, <=, 20480 * 512);
    g_assert_cmpint(c.task.done, >, 20480 * 512 - 2 * MiB);
    blk_unref(src);
    src = open_image("raw", "src");
    want = content(src, 0, c.task.done);
    got = content(dst, 0, c.task.done);
    g_assert_cmpint(memcmp(want, got, c.task.done), ==, 0);
    blk_unref(src);
    blk_unref(dst);
}

static void test_null_disks_copy_fast_and_complete(void)
{
    BlockBackend *src = open_json("{'driver': 'null-co', 'size': 1073741824, "
                                  "'read-zeroes': true}%.0s", "none");
    BlockBackend *dst = open_json("{'driver': 'null-co', 'size': 1073741824}"
                                  "%.0s", "none");
    Copy c;

    copy_init(&c, src, 0, dst, 0, 1 * GiB);
    mem_run(copy_entry, &c);
    g_assert_cmpint(c.end, ==, OFFLOAD_END_COMPLETE);
    g_assert_cmpint(stat64_get(&c.stats.bytes[OFFLOAD_METHOD_ZERO]), ==,
                    1 * GiB);
    blk_unref(src);
    blk_unref(dst);
}

int main(int argc, char **argv)
{
    int ret;

    qemu_init_main_loop(&error_abort);
    bdrv_init();
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("offload-XXXXXX", NULL);

#define T(name) g_test_add_func("/offload-files/" #name, test_##name)
    T(between_formats);
    T(within_a_file);
    T(source_with_a_backing_file);
    T(compressed_clusters_fall_back_alone);
    T(a_terabyte_of_zeroes_is_few_requests);
    T(blkdebug_read_error_counts_what_is_before_it);
    T(null_disks_copy_fast_and_complete);
    ret = g_test_run();
    for (int i = 0; i < 5; i++) {
        static const char *const names[] = { "src", "dst", "one", "base",
                                             "big" };
        g_autofree char *path = path_of(names[i]);

        unlink(path);
    }
    rmdir(folder);
    g_free(folder);
    return ret;
}
