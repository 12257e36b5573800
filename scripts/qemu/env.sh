# What every call of QEMU's build needs in its environment; to be sourced.
# SPDX-License-Identifier: GPL-2.0-or-later

# A newer Meson than the distribution's, if scripts/qemu/meson put one there
if [ -d "$BUILD/tools/meson" ]; then
    PYTHONPATH=$BUILD/tools/meson/usr/lib/python3/dist-packages
    PATH=$BUILD/tools/meson/usr/bin:$PATH
    export PYTHONPATH PATH
fi

# With these two, objects of one checkout are hits for another one
export CCACHE_BASEDIR=$BUILD CCACHE_NOHASHDIR=1
