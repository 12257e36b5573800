# Shared by the scripts of this folder: where things are, how they speak.
# SPDX-License-Identifier: GPL-2.0-or-later
#
# To be sourced by bash.  Sets TOP and BUILD, defines step, note, die, run_log,
# need_space, as_root.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$TOP/build
export TOP BUILD
mkdir -p "$BUILD"

if [ -t 1 ]; then
    C_STEP=$'\033[1;34m' C_BAD=$'\033[1;31m' C_OFF=$'\033[0m'
else
    C_STEP='' C_BAD='' C_OFF=''
fi

# step TEXT: one line per step, with the seconds since the script began
step() {
    printf '%s[%3ds] %s%s\n' "$C_STEP" "$SECONDS" "$*" "$C_OFF"
}

note() {
    printf '       %s\n' "$*"
}

# die SENTENCE [MEND]: what is wrong, what to do about it
die() {
    printf '%serror:%s %s\n' "$C_BAD" "$C_OFF" "$1" >&2
    [ $# -lt 2 ] || printf '       %s\n' "$2" >&2
    exit 1
}

# run_log NAME COMMAND...: run quietly, keep the output in build/log/NAME.log,
# show its end on failure
run_log() {
    local name=$1 log=$BUILD/log/$1.log
    shift
    mkdir -p "$BUILD/log"
    if ! "$@" >"$log" 2>&1 </dev/null; then
        tail -n 30 "$log" >&2
        if grep -q 'No space left on device' "$log"; then
            die "the disk is full (step $name)" \
                "Free some space below $BUILD and run this again."
        fi
        return 1
    fi
}

# need_space DIR MIB: fail before the work rather than in its middle
need_space() {
    local free
    free=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')
    if [ "$free" -lt "$2" ]; then
        die "only $free MiB free below $1, $2 MiB are needed" \
            "Free some space and run this again."
    fi
}

# as_root COMMAND...: directly as root, else by sudo
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "this step needs root: $*" \
            "Run it as root, or install sudo and allow this user to use it."
    fi
}
