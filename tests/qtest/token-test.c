/*
 * Tokens through vscsi-pci: Windows' sequence, partial copies, life of a token
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "harness.h"

static void test_windows_sequence(void)
{
    VtVm *vm = vt_simple(2, 16 * MiB);
    VscsiPt pt = vt_pt(64, 4096);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VtStatus s;
    VscsiWut wut;

    vt_fill(vm, 0, 0, 16 * MiB, 1);
    g_assert_cmphex(vt_populate(vm, 0, 7, &pt), ==, 0);
    g_assert_cmphex(vt_rrti(vm, 0, 7, 805, &s), ==, 0);
    g_assert_nonnull(s.status.token);
    memcpy(token, s.status.token, sizeof(token));
    wut = vt_wut(token, 1000, 4096);
    g_assert_cmphex(vt_write_token(vm, 1, 8, &wut), ==, 0);
    g_assert_true(vt_has(vm, 1, 1000 * 512, 2 * MiB, 1, 64 * 512));
    g_assert_true(vt_has_zeroes(vm, 1, 0, 1000 * 512));
    vt_free(vm);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/vscsi/token/windows-sequence", test_windows_sequence);
    return g_test_run();
}
