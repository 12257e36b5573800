# SPDX-License-Identifier: GPL-2.0-or-later
#
# Third-party copy by hand: parameter lists from printf, commands by sg_raw.
# Read with ". /lib/token.sh".  Numbers are decimal; LBA and COUNT are logical
# blocks.  After each command SENSE is "good" or "key/asc/ascq" in hex.

# bytes FILE OFFSET COUNT: these bytes of a file as one decimal number.
bytes() {
    local value byte
    value=0
    for byte in $(od -An -v -tu1 -j "$2" -N "$3" "$1"); do
        value=$((value * 256 + byte))
    done
    echo $value
}

# hex VALUE BYTES: a number as sg_raw takes it, most significant byte first.
hex() {
    be "$1" "$2" | sed 's/\\x/ /g'
}

# raw [OPTIONS] DEVICE BYTE...: sends one command; sets SENSE.
raw() {
    local code
    sg_raw -C 1 -v -t 60 "$@" >/tmp/raw.out 2>&1
    code=$?
    set -- $(sed -n '/Raw sense data/{n;p;}' /tmp/raw.out)
    if [ $# -ge 14 ]; then
        SENSE="$((0x$3 & 15))/${13}/${14}"
    elif [ $code -eq 0 ]; then
        SENSE=good
    else
        SENSE="error $code"
        cat /tmp/raw.out
    fi
}

# ranges LBA COUNT [LBA COUNT]...: block device range descriptors.
ranges() {
    while [ $# -ge 2 ]; do
        printf "$(be "$1" 8)$(be "$2" 4)$(be 0 4)"
        shift 2
    done
}

# populate DEVICE LIST-ID FLAGS LBA COUNT [LBA COUNT]...: POPULATE TOKEN.
# FLAGS is byte 2 of the parameter list: 1 IMMED, 2 RTV.
populate() {
    local device list flags size
    device=$1
    list=$2
    flags=$3
    shift 3
    size=$(($# / 2 * 16))
    {
        printf "$(be $((size + 14)) 2)$(be "$flags" 1)$(be 0 11)"
        printf "$(be $size 2)"
        ranges "$@"
    } >/tmp/pt
    raw -s $((size + 16)) -i /tmp/pt "$device" 83 10 00 00 00 00 \
        $(hex "$list" 4) $(hex $((size + 16)) 4) 00 00
}

# receive DEVICE LIST-ID FILE: RECEIVE ROD TOKEN INFORMATION to a file; sets
# SENSE, and if GOOD: STATUS (copy operation status) and DONE (blocks).
receive() {
    STATUS=none
    DONE=none
    rm -f "$3"
    raw -r 1024 -o "$3" "$1" 84 07 $(hex "$2" 4) 00 00 00 00 \
        $(hex 1024 4) 00 00
    if [ "$SENSE" = good ]; then
        STATUS=$(($(bytes "$3" 5 1) & 127))
        DONE=$(bytes "$3" 16 8)
    fi
}

# token RESPONSE FILE: takes the ROD token out of a response of "receive".
token() {
    local skip
    skip=$((32 + $(bytes "$1" 13 1) + 6))
    tail -c +$((skip + 1)) "$1" | head -c 512 >"$2"
    test "$(wc -c <"$2")" -eq 512
}

# write_token DEVICE LIST-ID FLAGS OFFSET TOKEN LBA COUNT [LBA COUNT]...:
# WRITE USING TOKEN.  FLAGS is byte 2: 1 IMMED, 2 DEL_TKN.
write_token() {
    local device list flags offset token size
    device=$1
    list=$2
    flags=$3
    offset=$4
    token=$5
    shift 5
    size=$(($# / 2 * 16))
    {
        printf "$(be $((size + 534)) 2)$(be "$flags" 1)$(be 0 5)"
        printf "$(be "$offset" 8)"
        cat "$token"
        printf "$(be 0 6)$(be $size 2)"
        ranges "$@"
    } >/tmp/wut
    raw -s $((size + 536)) -i /tmp/wut "$device" 83 11 00 00 00 00 \
        $(hex "$list" 4) $(hex $((size + 536)) 4) 00 00
}

# zero_token FILE: the block device zero ROD token.
zero_token() {
    printf "$(be $((0xffff0001)) 4)$(be 0 2)$(be 504 2)$(be 0 504)" >"$1"
}
