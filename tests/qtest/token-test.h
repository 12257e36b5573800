/*
 * What the files of vscsi-token-test share
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VSCSI_QTEST_TOKEN_TEST_H
#define VSCSI_QTEST_TOKEN_TEST_H

void token_add_life(void);

#endif /* VSCSI_QTEST_TOKEN_TEST_H */
