/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Input: a parent locator.  One that is accepted can be made again and is the
 * same then.
 */

#include "qemu/osdep.h"
#include "block/vhdx/format-metadata.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VhdxLocator locator, again;
    VhdxError err = { 0 };
    g_autofree uint8_t *item = NULL;
    size_t len;

    if (!vhdx_locator_decode(data, size, 0, &locator, &err)) {
        fuzz_refused(&err);
        return 0;
    }
    fuzz_assert(vhdx_locator_matches(&locator, &locator.linkage));
    item = vhdx_locator_encode(&locator, &len, &err);
    fuzz_assert(item || err.code == VHDX_ERR_TOO_LARGE);
    if (item) {
        fuzz_assert(vhdx_locator_decode(item, len, 0, &again, NULL));
        fuzz_assert(again.n == locator.n);
        for (unsigned i = 0; i < again.n; i++) {
            fuzz_assert(!strcmp(again.pair[i].key, locator.pair[i].key));
            fuzz_assert(!strcmp(again.pair[i].value, locator.pair[i].value));
        }
        fuzz_assert(guid_equal(&again.linkage2, &locator.linkage2));
        vhdx_locator_destroy(&again);
    }
    vhdx_locator_destroy(&locator);
    return 0;
}
