/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "support.h"

int main(void)
{
    SRunner *runner = srunner_create(suite_wire());
    int failed;

    srunner_add_suite(runner, suite_plan());
    srunner_add_suite(runner, suite_explain());
    srunner_add_suite(runner, suite_text());
    srunner_add_suite(runner, suite_device());
    srunner_add_suite(runner, suite_copy());
    srunner_add_suite(runner, suite_around());
    srunner_add_suite(runner, suite_immed());
    srunner_add_suite(runner, suite_cli());
    srunner_add_suite(runner, suite_sg());
    srunner_add_suite(runner, suite_hostile());
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
