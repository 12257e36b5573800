# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a test script in the guest may use.  Read with ". /lib/guest.sh".
#
# The guest and the host talk in lines over the second serial port:
#   guest -> host  @@RESULT name ok|fail detail   one check
#                  @@SYNC name                    the guest waits for an answer
#                  @@EXIT n                       the script's end
#   host -> guest  one line, the answer to a @@SYNC
# Where that port is missing, lines go to the console and a @@SYNC answers
# itself with an empty line.

CONTROL=/dev/ttyS1
if [ -z "$GUEST_CONTROL" ]; then
    if stty -F $CONTROL raw -echo 2>/dev/null; then
        GUEST_CONTROL=$CONTROL
    else
        GUEST_CONTROL=none
    fi
    export GUEST_CONTROL
fi

# say LINE: one line to the host and to the console.
say() {
    echo "$*"
    if [ "$GUEST_CONTROL" != none ]; then
        echo "$*" >"$GUEST_CONTROL"
    fi
}

# sync_host NAME [WORDS]: tells the host and prints the line it answers.
sync_host() {
    local answer
    if [ "$GUEST_CONTROL" = none ]; then
        echo "@@SYNC $*" >/dev/console
        return 0
    fi
    exec 9<"$GUEST_CONTROL"
    echo "@@SYNC $*" >"$GUEST_CONTROL"
    read -r answer <&9
    exec 9<&-
    echo "$answer"
}

# ok NAME [DETAIL], fail NAME [DETAIL]: report one check.
ok() {
    local name
    name=$1
    shift
    say "@@RESULT $name ok $*"
}

fail() {
    local name
    name=$1
    shift
    say "@@RESULT $name fail $*"
}

# check NAME COMMAND...: runs the command, reports its exit code, shows its
# output on the console only if it fails.
check() {
    local name code
    name=$1
    shift
    if "$@" >/tmp/check.out 2>&1; then
        ok "$name"
    else
        code=$?
        cat /tmp/check.out
        fail "$name" "exit $code: $(tail -n 1 /tmp/check.out)"
    fi
}

# check_exit NAME CODE COMMAND...: the command must end with this code.
check_exit() {
    local name want code
    name=$1
    want=$2
    shift 2
    "$@" >/tmp/check.out 2>&1
    code=$?
    if [ $code -eq "$want" ]; then
        ok "$name"
    else
        cat /tmp/check.out
        fail "$name" "exit $code, expected $want: $(tail -n 1 /tmp/check.out)"
    fi
}

# equal NAME GOT WANTED: reports whether two words are the same.
equal() {
    if [ "$2" = "$3" ]; then
        ok "$1"
    else
        fail "$1" "got '$2', expected '$3'"
    fi
}

# load_modules GROUP: loads a group of drivers (base, ide, fs, blk) once.
load_modules() {
    local module
    while read -r module; do
        if [ ! -d "/sys/module/$module" ]; then
            insmod "/lib/modules/$module.ko" ||
                echo "guest: module $module did not load"
        fi
    done <"/lib/modules/$1.order"
}

# wait_for SECONDS COMMAND...: until the command succeeds; 1 when late.
wait_for() {
    local tries
    tries=$(($1 * 10))
    shift
    while ! "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        if [ $tries -le 0 ]; then
            return 1
        fi
        usleep 100000
    done
}

# hosts DRIVER: the numbers of the SCSI hosts of a driver, one per line, in
# the order of their discovery (virtio_scsi: the controllers by PCI slot).
hosts() {
    local host
    for host in $(ls /sys/class/scsi_host | sed s/host// | sort -n); do
        if [ "$(cat "/sys/class/scsi_host/host$host/proc_name")" = "$1" ]; then
            echo "$host"
        fi
    done
}

# vscsi_host N: the SCSI host number of the Nth controller, from 1.
vscsi_host() {
    hosts virtio_scsi | sed -n "${1}p"
}

# has_lun TARGET LUN CONTROLLER: whether the disk is there; sets ADDRESS.
# Linux keeps the bits of the addressing method in numbers above 255.
has_lun() {
    local lun
    lun=$2
    if [ "$lun" -gt 255 ]; then
        lun=$((lun + 16384))
    fi
    ADDRESS="$(vscsi_host "$3"):0:$1:$lun"
    test -d "/sys/bus/scsi/devices/$ADDRESS/block"
}

# lun TARGET LUN [CONTROLLER]: waits for a disk, prints its /dev/sdX.
lun() {
    local node
    if ! wait_for 10 has_lun "$1" "$2" "${3:-1}"; then
        echo "guest: no disk at $ADDRESS" >/dev/console
        return 1
    fi
    node="/dev/$(ls "/sys/bus/scsi/devices/$ADDRESS/block")"
    wait_for 10 test -b "$node"
    echo "$node"
}

# sg_of /dev/sdX: the SCSI generic node of a disk.
sg_of() {
    echo "/dev/$(ls "/sys/block/$(basename "$1")/device/scsi_generic")"
}

# be VALUE BYTES: a number as printf escapes, most significant byte first.
be() {
    local value count
    value=$1
    count=$2
    while [ "$count" -gt 0 ]; do
        count=$((count - 1))
        printf '\\x%02x' $(((value >> (8 * count)) & 255))
    done
}

# finish N: reports the end and switches the guest off.
finish() {
    sync
    say "@@EXIT $1"
    poweroff -f
    sleep 60
}
