/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * CRC-32C under QEMU's name and with QEMU's convention: the caller gives
 * 0xffffffff to begin with, the result is inverted.  To go on after a part,
 * invert the result of that part and give it back.
 */

#ifndef SHIM_QEMU_CRC32C_H
#define SHIM_QEMU_CRC32C_H

static inline uint32_t crc32c(uint32_t crc, const uint8_t *data,
                              unsigned int length)
{
    static uint32_t table[256];

    if (!table[255]) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t value = i;

            for (int bit = 0; bit < 8; bit++) {
                value = value >> 1 ^ (value & 1 ? 0x82f63b78 : 0);
            }
            table[i] = value;
        }
    }
    while (length--) {
        crc = table[(crc ^ *data++) & 0xff] ^ crc >> 8;
    }
    return ~crc;
}

#endif /* SHIM_QEMU_CRC32C_H */
