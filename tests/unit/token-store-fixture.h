/*
 * What the tests of the token store share: a store on a clock and on random
 * bytes that the tests set, payloads that count how often they are released,
 * and short forms of the calls.  For one program only.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TOKEN_STORE_FIXTURE_H
#define TOKEN_STORE_FIXTURE_H

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/thread.h"
#include "hw/vscsi/token-store.h"

#include "unit.h"

#define LUN_A 0xa0a0a0a0a0a0a0a0ull
#define LUN_B 0xb0b0b0b0b0b0b0b0ull
#define TIMEOUT_S 30u
#define TIMEOUT_MS (TIMEOUT_S * 1000)
#define DEFAULT_S 60u
#define INSTANCE_AT 256

/* What the callbacks were told, and what they answer */
static struct {
    int64_t now_ms;
    bool random_fails;
    uint64_t random_state;
    unsigned released;
    unsigned ended;
    VscsiTokenStatus ended_cause;
    VscsiTokenInfo ended_info;
    bool reenter;
} env;

static VscsiTokenStore *store;

typedef struct Payload {
    unsigned released;
} Payload;

static Payload payloads[4096];
static unsigned nr_payloads;

static int64_t fake_clock(void *opaque)
{
    ck_assert_ptr_eq(opaque, &env);
    return env.now_ms;
}

static bool fake_random(void *opaque, void *buf, size_t len)
{
    uint8_t *p = buf;

    ck_assert_ptr_eq(opaque, &env);
    for (size_t i = 0; i < len && !env.random_fails; i++) {
        env.random_state = env.random_state * 6364136223846793005ull + 1;
        p[i] = env.random_state >> 56;
    }
    return !env.random_fails;
}

/* With env.reenter the callbacks use the store, as they may */
static void use_store_in_callback(void)
{
    VscsiTokenStats stats;
    unsigned count;

    if (env.reenter) {
        vscsi_token_store_stats(store, &stats);
        g_free(vscsi_token_store_list(store, NULL, &count));
        vscsi_token_store_expire(store);
    }
}

static void count_release(void *opaque, void *payload)
{
    (void)opaque;
    ((Payload *)payload)->released++;
    env.released++;
    use_store_in_callback();
}

static void note_ended(void *opaque, const VscsiTokenInfo *info,
                       VscsiTokenStatus cause)
{
    (void)opaque;
    env.ended++;
    env.ended_cause = cause;
    env.ended_info = *info;
    use_store_in_callback();
}

static const VscsiTokenCallbacks callbacks = {
    .clock_ms = fake_clock,
    .random_bytes = fake_random,
    .release = count_release,
    .ended = note_ended,
};

static VscsiTokenStore *new_store(unsigned max_tokens, unsigned max_remembered)
{
    VscsiTokenStoreConfig config = {
        .max_tokens = max_tokens,
        .max_remembered = max_remembered,
        .default_timeout_s = DEFAULT_S,
    };

    return vscsi_token_store_new(&config, &callbacks, &env);
}

static void restart(unsigned max_tokens, unsigned max_remembered)
{
    vscsi_token_store_free(store);
    memset(&env, 0, sizeof(env));
    memset(payloads, 0, sizeof(payloads));
    nr_payloads = 0;
    env.now_ms = 1000000;
    store = new_store(max_tokens, max_remembered);
    ck_assert_ptr_nonnull(store);
}

static void setup(void)
{
    restart(8, 4);
}

static void teardown(void)
{
    vscsi_token_store_free(store);
    store = NULL;
    for (unsigned i = 0; i < nr_payloads; i++) {
        ck_assert_uint_eq(payloads[i].released, 1);
    }
}

static const VscsiRodToken body = {
    .type = VSCSI_ROD_PIT_VULNERABLE,
    .creator = {
        .designator = {
            .code_set = VSCSI_CODE_SET_BINARY,
            .type = VSCSI_DESIGNATOR_NAA,
            .length = 8,
            .bytes = { 0x50, 1, 2, 3, 4, 5, 6, 7 },
        },
    },
    .bytes = 1 << 20,
    .block_length = 512,
    .lbpme = true,
    .target = {
        .code_set = VSCSI_CODE_SET_BINARY,
        .association = VSCSI_ASSOC_DEVICE,
        .type = VSCSI_DESIGNATOR_NAA,
        .length = 8,
        .bytes = { 0x50, 7, 6, 5, 4, 3, 2, 1 },
    },
};

static VscsiTokenAddResult try_add(uint64_t lun_key, uint32_t timeout_s,
                                   uint8_t *token)
{
    VscsiTokenParams params = {
        .lun_key = lun_key,
        .payload = &payloads[nr_payloads],
        .timeout_s = timeout_s,
        .max_lun_tokens = 5,
        .body = &body,
    };
    VscsiTokenAddResult result = vscsi_token_store_add(store, &params, token);

    nr_payloads += result == VSCSI_TOKEN_ADD_OK;
    ck_assert_uint_lt(nr_payloads, ARRAY_SIZE(payloads));
    return result;
}

/* The payload of the token that was made last is payloads[result] */
static unsigned add(uint64_t lun_key, uint8_t *token)
{
    ck_assert_int_eq(try_add(lun_key, TIMEOUT_S, token), VSCSI_TOKEN_ADD_OK);
    return nr_payloads - 1;
}

static VscsiTokenUse *hold(const uint8_t *token)
{
    VscsiTokenUse *use;

    ck_assert_int_eq(vscsi_token_store_use(store, token, &use),
                     VSCSI_TOKEN_LIVE);
    ck_assert_ptr_nonnull(use);
    return use;
}

#define expect(token, want) do {                                            \
    VscsiTokenUse *use_;                                                    \
    VscsiTokenStatus got_ = vscsi_token_store_use(store, token, &use_);     \
    ck_assert_str_eq(vscsi_token_status_str(got_),                          \
                     vscsi_token_status_str(want));                         \
    ck_assert(!use_ == (got_ != VSCSI_TOKEN_LIVE));                         \
    if (use_) {                                                             \
        vscsi_token_use_end(use_);                                          \
    }                                                                       \
} while (0)

static VscsiTokenStats get_stats(void)
{
    VscsiTokenStats stats;

    vscsi_token_store_stats(store, &stats);
    return stats;
}

#endif /* TOKEN_STORE_FIXTURE_H */
