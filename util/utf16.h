/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * UTF-16LE, as formats of Windows store text, to and from UTF-8.  Strict: a
 * string that is not well formed, or that holds U+0000, is refused, never
 * mended, since two readers may mend it to two different names.
 *
 * Pure functions, callable in any context.
 */

#ifndef UTIL_UTF16_H
#define UTIL_UTF16_H

/*
 * The UTF-8 of @len bytes of UTF-16LE, with a final NUL; g_free() it.  NULL
 * if @len is odd, or at a surrogate without its partner, or at U+0000; then
 * @bad_at, if not NULL, is the offset in bytes of the first bad code unit.
 */
char *utf16le_to_utf8(const uint8_t *buf, size_t len, size_t *bad_at);

/*
 * The UTF-16LE of the NUL-terminated @text, its length in bytes in @len;
 * g_free() it.  NULL if @text is not well-formed UTF-8 (overlong forms,
 * encoded surrogates and values past U+10FFFF are not); then @bad_at, if not
 * NULL, is the offset of the first bad byte sequence.
 */
uint8_t *utf16le_from_utf8(const char *text, size_t *len, size_t *bad_at);

#endif /* UTIL_UTF16_H */
