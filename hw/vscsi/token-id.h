/*
 * COPY MANAGER ROD TOKEN IDENTIFIERs of the token store
 *
 * Tokens are counted, and the count is enciphered with a key that only the
 * store has.  As a cipher is one-to-one, no identifier repeats in 2^64 tokens
 * (the standard asks for 50 000).  Identifiers show to nobody how many tokens
 * there are or which came first, and the store can tell an identifier that it
 * gave and forgot from one that it never gave.
 *
 * The cipher is a Feistel network of four rounds over 64 bits; the round
 * function is HMAC-SHA-256.  Identifiers are not what keeps a token secret, so
 * nothing more is asked of it.
 *
 * Pure functions; any thread.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_VSCSI_TOKEN_ID_H
#define HW_VSCSI_TOKEN_ID_H

#include "qemu/bswap.h"

#define TOKEN_ID_ROUNDS 4

typedef struct TokenIdKey {
    uint8_t bytes[32];
} TokenIdKey;

/* 32 bits that depend on all of the key, the round and @half */
static inline uint32_t token_id_round(const TokenIdKey *key, int round,
                                      uint32_t half)
{
    uint8_t in[5];
    uint8_t digest[32];
    gsize len = sizeof(digest);
    GHmac *hmac = g_hmac_new(G_CHECKSUM_SHA256, key->bytes,
                             sizeof(key->bytes));

    in[0] = round;
    stl_be_p(in + 1, half);
    g_hmac_update(hmac, in, sizeof(in));
    g_hmac_get_digest(hmac, digest, &len);
    g_hmac_unref(hmac);
    return ldl_be_p(digest);
}

static inline uint64_t token_id_from_count(const TokenIdKey *key,
                                           uint64_t count)
{
    uint32_t left = count >> 32;
    uint32_t right = count;

    for (int i = 0; i < TOKEN_ID_ROUNDS; i++) {
        uint32_t next = left ^ token_id_round(key, i, right);

        left = right;
        right = next;
    }
    return (uint64_t)left << 32 | right;
}

/* The other way of token_id_from_count() */
static inline uint64_t token_id_to_count(const TokenIdKey *key, uint64_t id)
{
    uint32_t left = id >> 32;
    uint32_t right = id;

    for (int i = TOKEN_ID_ROUNDS - 1; i >= 0; i--) {
        uint32_t previous = right ^ token_id_round(key, i, left);

        right = left;
        left = previous;
    }
    return (uint64_t)left << 32 | right;
}

#endif /* HW_VSCSI_TOKEN_ID_H */
