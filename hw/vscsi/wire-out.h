/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A bounded writer for the encoders of the wire codec.
 *
 * The encoders produce the whole structure; the writer drops what does
 * not fit in the caller's buffer and goes on counting.  Truncation to an
 * allocation length is thus done in one place, and a length field that
 * is known only at the end is patched with the full length.
 */

#ifndef HW_VSCSI_WIRE_OUT_H
#define HW_VSCSI_WIRE_OUT_H

typedef struct WireOut {
    uint8_t *buf;       /* may be NULL when size is 0 */
    size_t size;
    size_t pos;         /* length so far, may exceed size */
} WireOut;

/* Append @len bytes of @data. */
static inline void wire_put(WireOut *out, const void *data, size_t len)
{
    if (out->pos < out->size) {
        memcpy(out->buf + out->pos, data, MIN(len, out->size - out->pos));
    }
    out->pos += len;
}

static inline void wire_put_zero(WireOut *out, size_t len)
{
    if (out->pos < out->size) {
        memset(out->buf + out->pos, 0, MIN(len, out->size - out->pos));
    }
    out->pos += len;
}

static inline void wire_put8(WireOut *out, uint8_t value)
{
    wire_put(out, &value, 1);
}

static inline void wire_put16(WireOut *out, uint16_t value)
{
    uint8_t raw[2];

    stw_be_p(raw, value);
    wire_put(out, raw, sizeof(raw));
}

static inline void wire_put32(WireOut *out, uint32_t value)
{
    uint8_t raw[4];

    stl_be_p(raw, value);
    wire_put(out, raw, sizeof(raw));
}

static inline void wire_put64(WireOut *out, uint64_t value)
{
    uint8_t raw[8];

    stq_be_p(raw, value);
    wire_put(out, raw, sizeof(raw));
}

/* Overwrite bytes that were appended before, as far as they are there. */
static inline void wire_patch(WireOut *out, size_t at, const void *data,
                              size_t len)
{
    if (at < out->size) {
        memcpy(out->buf + at, data, MIN(len, out->size - at));
    }
}

static inline void wire_patch8(WireOut *out, size_t at, uint8_t value)
{
    wire_patch(out, at, &value, 1);
}

static inline void wire_patch16(WireOut *out, size_t at, uint16_t value)
{
    uint8_t raw[2];

    stw_be_p(raw, value);
    wire_patch(out, at, raw, sizeof(raw));
}

static inline void wire_patch32(WireOut *out, size_t at, uint32_t value)
{
    uint8_t raw[4];

    stl_be_p(raw, value);
    wire_patch(out, at, raw, sizeof(raw));
}

#endif /* HW_VSCSI_WIRE_OUT_H */
