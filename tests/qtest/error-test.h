/*
 * What the files of vscsi-error-test share
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VSCSI_QTEST_ERROR_TEST_H
#define VSCSI_QTEST_ERROR_TEST_H

#include "harness.h"

#define SIZE        (8 * MiB)
#define BLOCKS      (SIZE / 512)

typedef struct ErrorRow {
    const char *name;
    void (*fn)(void);
} ErrorRow;

void error_add(const ErrorRow *row, size_t n);
void error_add_token_rows(void);
void error_add_xcopy_rows(void);

/* Two disks of SIZE with @opts: 0 has pattern 1, 1 is empty */
VtVm *error_start(const char *opts);

#endif /* VSCSI_QTEST_ERROR_TEST_H */
