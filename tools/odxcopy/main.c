/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <unistd.h>

#include "run.h"
#include "sg.h"

int main(int argc, char **argv)
{
    odx_sg_catch_signals();
    return odx_run(odx_sg_transport(), argc, argv, stdout, stderr,
                   isatty(STDERR_FILENO));
}
