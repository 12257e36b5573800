/*
 * Token store: every live ROD token of the virtual machine
 *
 * States of a token (contract and picture in token-store.h), and where it is
 * then linked:
 *
 *               by_id  by_payload  live  remembered  timers
 *   LIVE idle     x        x        x                  x   end of idle time
 *   LIVE in use   x        x        x
 *   REMEMBERED    x                          x         x   end of memory
 *   FORGOTTEN     -        -        -        -         -
 *
 * Invariants, true whenever the lock is free:
 *  1. A token is in exactly the places of its state.
 *  2. Only a LIVE token or one in use has a payload.
 *  3. A FORGOTTEN token exists only while it is in use.
 *  4. No deadline in timers is <= now_ms.  now_ms goes back only with all
 *     deadlines.
 *
 * Callbacks run without the lock: what they are to be told is collected in a
 * Work while the lock is held, and delivered by store_leave().
 *
 * Extended data of a token (bytes 256 to 511 of it): the instance id, then
 * secure random bytes.  These make it a secret; they say nothing of the ROD.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/thread.h"
#include "qemu/lockable.h"
#include "hw/vscsi/token-store.h"
#include "token-id.h"

#define INSTANCE_OFFSET (VSCSI_ROD_TOKEN_LEN - VSCSI_ROD_TOKEN_EXTENDED_LEN)
#define CLOCK_SET_BACK_MS 10000
#define SECRET_LEN (VSCSI_ROD_TOKEN_EXTENDED_LEN - VSCSI_TOKEN_INSTANCE_LEN)

QEMU_BUILD_BUG_ON(SECRET_LEN * 8 < 256);

typedef struct VscsiToken {
    /* Set at creation, never changed */
    uint8_t wire[VSCSI_ROD_TOKEN_LEN];
    uint64_t id;
    uint64_t lun_key;
    uint64_t bytes;
    uint32_t type;
    uint32_t block_length;
    uint32_t timeout_s;

    /* Changed under the store's lock */
    int64_t created_ms;         /* goes back with the clock */
    void *payload;              /* constant until it is released */
    VscsiTokenStatus status;    /* LIVE, or why not */
    bool remembered;
    unsigned uses;
    uint64_t total_uses;
    GList link;                 /* in live or in remembered */
    int64_t deadline_ms;        /* valid if timer */
    GSequenceIter *timer;       /* in timers, or NULL */
} Token;

struct VscsiTokenStore {
    /* Set at creation, never changed */
    VscsiTokenCallbacks callbacks;
    void *opaque;
    unsigned max_remembered;
    uint32_t default_timeout_s;
    uint8_t instance[VSCSI_TOKEN_INSTANCE_LEN];
    TokenIdKey id_key;

    QemuMutex lock;

    /* Under lock */
    unsigned max_tokens;
    int64_t now_ms;             /* latest time that any caller has seen */
    uint64_t issued;            /* tokens made so far */
    unsigned uses;              /* handles out */
    GHashTable *by_id;          /* &Token.id -> Token */
    GHashTable *by_payload;     /* payload -> Token */
    GHashTable *lun_tokens;     /* lun_key -> LIVE tokens of the LUN */
    GQueue live;                /* oldest first */
    GQueue remembered;          /* ended first, first */
    GSequence *timers;          /* by deadline_ms */
    uint8_t former[VSCSI_TOKEN_MAX_FORMER_INSTANCES][VSCSI_TOKEN_INSTANCE_LEN];
    unsigned nr_former;
    VscsiTokenStats stats;      /* live and remembered are filled in on read */
};

/* One call of each callback at most, to be made without the lock */
typedef struct Event {
    bool ended;
    VscsiTokenStatus cause;
    VscsiTokenInfo info;
    void *release;              /* a payload, or NULL */
} Event;

/* What one call has to do without the lock; NULL while there is nothing */
typedef GArray *Work;

/* ------------------------------------------------------------------ timers */

static gint timer_compare(gconstpointer a, gconstpointer b, gpointer data)
{
    const Token *x = a;
    const Token *y = b;

    (void)data;
    return (x->deadline_ms > y->deadline_ms) -
           (x->deadline_ms < y->deadline_ms);
}

static void timer_stop(Token *token)
{
    if (token->timer) {
        g_sequence_remove(token->timer);
        token->timer = NULL;
    }
}

/* Run for the token's timeout, from now on */
static void timer_start(VscsiTokenStore *store, Token *token)
{
    timer_stop(token);
    token->deadline_ms = store->now_ms + (int64_t)token->timeout_s * 1000;
    token->timer = g_sequence_insert_sorted(store->timers, token,
                                            timer_compare, NULL);
}

/* The token whose deadline is first, or NULL */
static Token *timer_first(VscsiTokenStore *store)
{
    GSequenceIter *first = g_sequence_get_begin_iter(store->timers);

    return g_sequence_iter_is_end(first) ? NULL : g_sequence_get(first);
}

/* -------------------------------------------------------------------- work */

static Event *work_add(Work *work)
{
    Event event = { 0 };

    if (!*work) {
        *work = g_array_new(FALSE, FALSE, sizeof(Event));
    }
    g_array_append_val(*work, event);
    return &g_array_index(*work, Event, (*work)->len - 1);
}

static void work_do(VscsiTokenStore *store, Work work)
{
    for (guint i = 0; work && i < work->len; i++) {
        Event *event = &g_array_index(work, Event, i);

        if (event->ended && store->callbacks.ended) {
            store->callbacks.ended(store->opaque, &event->info, event->cause);
        }
        if (event->release) {
            store->callbacks.release(store->opaque, event->release);
        }
    }
    g_clear_pointer(&work, g_array_unref);
}

/* ----------------------------------------------------- state, with the lock */

static unsigned lun_tokens(VscsiTokenStore *store, uint64_t lun_key)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(store->lun_tokens, &lun_key));
}

static void lun_tokens_add(VscsiTokenStore *store, uint64_t lun_key, int add)
{
    unsigned count = lun_tokens(store, lun_key) + add;

    if (count) {
        g_hash_table_replace(store->lun_tokens,
                             g_memdup2(&lun_key, sizeof(lun_key)),
                             GUINT_TO_POINTER(count));
    } else {
        g_hash_table_remove(store->lun_tokens, &lun_key);
    }
}

static void token_info(VscsiTokenStore *store, const Token *token,
                       VscsiTokenInfo *info)
{
    memcpy(info->management, token->wire, sizeof(info->management));
    info->id = token->id;
    info->lun_key = token->lun_key;
    info->rod_type = token->type;
    info->block_length = token->block_length;
    info->bytes = token->bytes;
    info->timeout_s = token->timeout_s;
    info->age_ms = store->now_ms - token->created_ms;
    info->idle_left_ms = token->uses ? -1 : token->deadline_ms - store->now_ms;
    info->uses = token->uses;
    info->total_uses = token->total_uses;
}

/* To be called when a use ended or the state changed */
static void token_free_if_unused(Token *token)
{
    if (token->status != VSCSI_TOKEN_LIVE && !token->remembered &&
        !token->uses) {
        assert(!token->payload && !token->timer);
        g_free(token);
    }
}

/* REMEMBERED -> FORGOTTEN */
static void token_forget(VscsiTokenStore *store, Token *token)
{
    assert(token->remembered);
    token->remembered = false;
    timer_stop(token);
    g_queue_unlink(&store->remembered, &token->link);
    g_hash_table_remove(store->by_id, &token->id);
    token_free_if_unused(token);
}

/* LIVE -> REMEMBERED, or FORGOTTEN if @cause is UNKNOWN */
static void token_end(VscsiTokenStore *store, Token *token,
                      VscsiTokenStatus cause, Work *work)
{
    Event *event = work_add(work);

    assert(token->status == VSCSI_TOKEN_LIVE && cause >= VSCSI_TOKEN_EXPIRED);
    event->ended = true;
    event->cause = cause;
    token_info(store, token, &event->info);

    token->status = cause;
    timer_stop(token);
    g_hash_table_remove(store->by_payload, token->payload);
    g_queue_unlink(&store->live, &token->link);
    lun_tokens_add(store, token->lun_key, -1);
    store->stats.ended[cause]++;
    store->stats.live_bytes -= token->bytes;
    if (!token->uses) {
        event->release = token->payload;
        token->payload = NULL;
    }

    if (cause == VSCSI_TOKEN_UNKNOWN || !store->max_remembered) {
        g_hash_table_remove(store->by_id, &token->id);
        token_free_if_unused(token);
        return;
    }
    token->remembered = true;
    g_queue_push_tail_link(&store->remembered, &token->link);
    timer_start(store, token);
    if (store->remembered.length > store->max_remembered) {
        token_forget(store, g_queue_peek_head(&store->remembered));
    }
}

/*
 * Apply what has expired.  A token that ends here and is remembered gets a
 * deadline after now, so that the loop ends.
 */
static void store_expire(VscsiTokenStore *store, Work *work)
{
    Token *token;

    while ((token = timer_first(store)) &&
           token->deadline_ms <= store->now_ms) {
        if (token->status == VSCSI_TOKEN_LIVE) {
            token_end(store, token, VSCSI_TOKEN_EXPIRED, work);
        } else {
            token_forget(store, token);
        }
    }
}

/* The clock was set back by @ms: everything keeps its age and its rest */
static void store_set_back(VscsiTokenStore *store, int64_t ms)
{
    GQueue *queues[] = { &store->live, &store->remembered };

    store->now_ms -= ms;
    for (unsigned i = 0; i < ARRAY_SIZE(queues); i++) {
        for (GList *l = queues[i]->head; l; l = l->next) {
            Token *token = l->data;

            token->created_ms -= ms;
            token->deadline_ms -= ms;
        }
    }
}

/*
 * Take the lock and bring the store up to the time.  The clock is read without
 * the lock, so another thread may have been here with a later time.
 */
static void store_enter(VscsiTokenStore *store, Work *work)
{
    int64_t now_ms = store->callbacks.clock_ms(store->opaque);

    *work = NULL;
    qemu_mutex_lock(&store->lock);
    if (store->now_ms - now_ms > CLOCK_SET_BACK_MS) {
        store_set_back(store, store->now_ms - now_ms);
    }
    store->now_ms = MAX(store->now_ms, now_ms);
    store_expire(store, work);
}

static void store_leave(VscsiTokenStore *store, Work *work)
{
    qemu_mutex_unlock(&store->lock);
    work_do(store, *work);
}

/* ------------------------------------------------------------ life of store */

VscsiTokenStore *vscsi_token_store_new(const VscsiTokenStoreConfig *config,
                                       const VscsiTokenCallbacks *callbacks,
                                       void *opaque)
{
    VscsiTokenStore *store;

    assert(config->max_tokens && config->default_timeout_s);
    assert(callbacks->clock_ms && callbacks->random_bytes &&
           callbacks->release);

    store = g_new0(VscsiTokenStore, 1);
    store->callbacks = *callbacks;
    store->opaque = opaque;
    store->max_tokens = config->max_tokens;
    store->max_remembered = config->max_remembered;
    store->default_timeout_s = config->default_timeout_s;
    if (!callbacks->random_bytes(opaque, store->instance,
                                 sizeof(store->instance)) ||
        !callbacks->random_bytes(opaque, store->id_key.bytes,
                                 sizeof(store->id_key.bytes))) {
        g_free(store);
        return NULL;
    }
    qemu_mutex_init(&store->lock);
    store->now_ms = callbacks->clock_ms(opaque);
    store->by_id = g_hash_table_new(g_int64_hash, g_int64_equal);
    store->by_payload = g_hash_table_new(NULL, NULL);
    store->lun_tokens = g_hash_table_new_full(g_int64_hash, g_int64_equal,
                                              g_free, NULL);
    g_queue_init(&store->live);
    g_queue_init(&store->remembered);
    store->timers = g_sequence_new(NULL);
    return store;
}

void vscsi_token_store_free(VscsiTokenStore *store)
{
    if (!store) {
        return;
    }
    assert(!store->uses);
    vscsi_token_store_forget_all(store);
    assert(!g_hash_table_size(store->by_id));
    assert(!g_hash_table_size(store->by_payload));
    assert(!g_hash_table_size(store->lun_tokens));
    assert(!timer_first(store));
    g_hash_table_unref(store->by_id);
    g_hash_table_unref(store->by_payload);
    g_hash_table_unref(store->lun_tokens);
    g_sequence_free(store->timers);
    qemu_mutex_destroy(&store->lock);
    g_free(store);
}

void vscsi_token_store_set_max_tokens(VscsiTokenStore *store,
                                      unsigned max_tokens)
{
    assert(max_tokens);
    QEMU_LOCK_GUARD(&store->lock);
    store->max_tokens = max_tokens;
}

/* ------------------------------------------------------------------- issue */

static bool type_is_issued(uint32_t type)
{
    return type == VSCSI_ROD_PIT_DEFAULT || type == VSCSI_ROD_PIT_VULNERABLE ||
           type == VSCSI_ROD_PIT_PERSISTENT;
}

/* Make a token, LIVE and idle */
static Token *token_new(VscsiTokenStore *store, const VscsiTokenParams *params,
                        const uint8_t secret[SECRET_LEN])
{
    Token *token = g_new0(Token, 1);
    VscsiRodToken body = *params->body;

    body.id = token_id_from_count(&store->id_key, store->issued++);
    memcpy(body.extended, store->instance, sizeof(store->instance));
    memcpy(body.extended + sizeof(store->instance), secret, SECRET_LEN);
    vscsi_rod_token_encode(&body, token->wire);

    token->id = body.id;
    token->lun_key = params->lun_key;
    token->bytes = body.bytes;
    token->type = body.type;
    token->block_length = body.block_length;
    token->timeout_s = params->timeout_s ?: store->default_timeout_s;
    token->created_ms = store->now_ms;
    token->payload = params->payload;
    token->status = VSCSI_TOKEN_LIVE;
    token->link.data = token;

    g_hash_table_insert(store->by_id, &token->id, token);
    g_hash_table_insert(store->by_payload, token->payload, token);
    g_queue_push_tail_link(&store->live, &token->link);
    lun_tokens_add(store, token->lun_key, 1);
    timer_start(store, token);
    store->stats.created++;
    store->stats.live_bytes += token->bytes;
    return token;
}

VscsiTokenAddResult vscsi_token_store_add(VscsiTokenStore *store,
                                          const VscsiTokenParams *params,
                                          uint8_t token[VSCSI_ROD_TOKEN_LEN])
{
    uint8_t secret[SECRET_LEN];
    bool random = store->callbacks.random_bytes(store->opaque, secret,
                                                sizeof(secret));
    VscsiTokenAddResult result;
    Work work;

    assert(params->payload && params->max_lun_tokens);
    assert(type_is_issued(params->body->type));

    store_enter(store, &work);
    assert(!g_hash_table_contains(store->by_payload, params->payload));
    if (lun_tokens(store, params->lun_key) >= params->max_lun_tokens) {
        store->stats.refused_lun_limit++;
        result = VSCSI_TOKEN_ADD_LUN_LIMIT;
    } else if (store->live.length >= store->max_tokens) {
        store->stats.refused_vm_limit++;
        result = VSCSI_TOKEN_ADD_VM_LIMIT;
    } else if (!random) {
        store->stats.refused_no_random++;
        result = VSCSI_TOKEN_ADD_NO_RANDOM;
    } else {
        Token *made = token_new(store, params, secret);

        memcpy(token, made->wire, VSCSI_ROD_TOKEN_LEN);
        result = VSCSI_TOKEN_ADD_OK;
    }
    store_leave(store, &work);
    return result;
}

/* --------------------------------------------------------------------- use */

/* The time does not depend on the contents */
static bool wire_equal(const uint8_t *a, const uint8_t *b)
{
    /* volatile: the compiler must not leave the loop early */
    volatile uint8_t difference = 0;

    for (size_t i = 0; i < VSCSI_ROD_TOKEN_LEN; i++) {
        difference |= a[i] ^ b[i];
    }
    return !difference;
}

static bool instance_is_former(VscsiTokenStore *store, const uint8_t *instance)
{
    for (unsigned i = 0; i < store->nr_former; i++) {
        if (!memcmp(store->former[i], instance, VSCSI_TOKEN_INSTANCE_LEN)) {
            return true;
        }
    }
    return false;
}

/* The checks in the order of the standard (spec section 5); zero is done */
static VscsiTokenStatus token_check(VscsiTokenStore *store,
                                    const uint8_t *wire, Token **found)
{
    uint64_t id = vscsi_rod_token_id(wire);
    const uint8_t *instance = wire + INSTANCE_OFFSET;
    bool own = !memcmp(instance, store->instance, sizeof(store->instance));
    Token *token;

    if (lduw_be_p(wire + 6) != VSCSI_ROD_TOKEN_LENGTH_FIELD) {
        return VSCSI_TOKEN_BAD_LENGTH;
    }
    token = g_hash_table_lookup(store->by_id, &id);
    if (token ? !wire_equal(token->wire, wire)
              : own && token_id_to_count(&store->id_key, id) >= store->issued) {
        return VSCSI_TOKEN_CORRUPT;
    }
    if (!type_is_issued(vscsi_rod_token_type(wire))) {
        return VSCSI_TOKEN_UNSUPPORTED_TYPE;
    }
    if (!own && !instance_is_former(store, instance)) {
        return VSCSI_TOKEN_FOREIGN;
    }
    if (!token) {
        return VSCSI_TOKEN_UNKNOWN;
    }
    *found = token;
    return token->status;
}

/* LIVE -> in use */
static VscsiTokenUse *use_new(VscsiTokenStore *store, Token *token)
{
    VscsiTokenUse *use = g_new(VscsiTokenUse, 1);

    *use = (VscsiTokenUse) {
        .store = store,
        .token = token,
        .payload = token->payload,
        .id = token->id,
        .lun_key = token->lun_key,
        .bytes = token->bytes,
        .block_length = token->block_length,
        .rod_type = token->type,
    };
    timer_stop(token);
    token->uses++;
    token->total_uses++;
    store->uses++;
    store->stats.uses++;
    return use;
}

VscsiTokenStatus vscsi_token_store_use(VscsiTokenStore *store,
                                       const uint8_t token[VSCSI_ROD_TOKEN_LEN],
                                       VscsiTokenUse **use)
{
    VscsiTokenStatus status;
    Token *found = NULL;
    Work work;

    *use = NULL;
    store_enter(store, &work);
    if (vscsi_rod_token_is_zero(token)) {
        status = VSCSI_TOKEN_ZERO;
        store->stats.zero++;
    } else {
        status = token_check(store, token, &found);
        if (status == VSCSI_TOKEN_LIVE) {
            *use = use_new(store, found);
        } else {
            store->stats.rejected[status]++;
        }
    }
    store_leave(store, &work);
    return status;
}

void vscsi_token_use_end(VscsiTokenUse *use)
{
    VscsiTokenStore *store = use->store;
    Token *token = use->token;
    Work work;

    g_free(use);
    store_enter(store, &work);
    assert(store->uses && token->uses);
    store->uses--;
    token->uses--;
    if (!token->uses) {
        if (token->status == VSCSI_TOKEN_LIVE) {
            timer_start(store, token);
        } else {
            work_add(&work)->release = token->payload;
            token->payload = NULL;
            token_free_if_unused(token);
        }
    }
    store_leave(store, &work);
}

VscsiTokenStatus vscsi_token_use_status(const VscsiTokenUse *use)
{
    QEMU_LOCK_GUARD(&use->store->lock);
    return use->token->status;
}

void vscsi_token_use_delete(VscsiTokenUse *use)
{
    Work work;

    store_enter(use->store, &work);
    if (use->token->status == VSCSI_TOKEN_LIVE) {
        token_end(use->store, use->token, VSCSI_TOKEN_DELETED, &work);
    }
    store_leave(use->store, &work);
}

/* --------------------------------------------------------------------- end */

/* End what @table has for @key, if it is LIVE */
static bool end_found(VscsiTokenStore *store, GHashTable *table,
                      const void *key, VscsiTokenStatus cause)
{
    Token *token;
    bool live;
    Work work;

    store_enter(store, &work);
    token = g_hash_table_lookup(table, key);
    live = token && token->status == VSCSI_TOKEN_LIVE;
    if (live) {
        token_end(store, token, cause, &work);
    }
    store_leave(store, &work);
    return live;
}

bool vscsi_token_store_end_payload(VscsiTokenStore *store, const void *payload,
                                   VscsiTokenStatus cause)
{
    return end_found(store, store->by_payload, payload, cause);
}

bool vscsi_token_store_end_id(VscsiTokenStore *store, uint64_t id,
                              VscsiTokenStatus cause)
{
    return end_found(store, store->by_id, &id, cause);
}

unsigned vscsi_token_store_end_lun(VscsiTokenStore *store, uint64_t lun_key,
                                   VscsiTokenStatus cause)
{
    unsigned count = 0;
    GList *next;
    Work work;

    store_enter(store, &work);
    for (GList *l = store->live.head; l; l = next) {
        Token *token = l->data;

        next = l->next;
        if (token->lun_key == lun_key) {
            token_end(store, token, cause, &work);
            count++;
        }
    }
    store_leave(store, &work);
    return count;
}

unsigned vscsi_token_store_forget_all(VscsiTokenStore *store)
{
    unsigned count = 0;
    Token *token;
    Work work;

    store_enter(store, &work);
    while ((token = g_queue_peek_head(&store->live))) {
        token_end(store, token, VSCSI_TOKEN_UNKNOWN, &work);
        count++;
    }
    while ((token = g_queue_peek_head(&store->remembered))) {
        token_forget(store, token);
    }
    store_leave(store, &work);
    return count;
}

/* ------------------------------------------------------------ VM migration */

void vscsi_token_store_instance(const VscsiTokenStore *store,
                                uint8_t instance[VSCSI_TOKEN_INSTANCE_LEN])
{
    memcpy(instance, store->instance, VSCSI_TOKEN_INSTANCE_LEN);
}

void vscsi_token_store_adopt_instance(VscsiTokenStore *store,
                                      const uint8_t *instance)
{
    QEMU_LOCK_GUARD(&store->lock);
    if (!memcmp(instance, store->instance, VSCSI_TOKEN_INSTANCE_LEN) ||
        instance_is_former(store, instance)) {
        return;
    }
    if (store->nr_former == VSCSI_TOKEN_MAX_FORMER_INSTANCES) {
        store->nr_former--;
        memmove(store->former[0], store->former[1],
                store->nr_former * VSCSI_TOKEN_INSTANCE_LEN);
    }
    memcpy(store->former[store->nr_former++], instance,
           VSCSI_TOKEN_INSTANCE_LEN);
}

unsigned vscsi_token_store_former_instances(
    VscsiTokenStore *store,
    uint8_t ids[VSCSI_TOKEN_MAX_FORMER_INSTANCES][VSCSI_TOKEN_INSTANCE_LEN])
{
    QEMU_LOCK_GUARD(&store->lock);
    memcpy(ids, store->former, store->nr_former * VSCSI_TOKEN_INSTANCE_LEN);
    return store->nr_former;
}

/* -------------------------------------------------------------------- time */

int64_t vscsi_token_store_next_deadline(VscsiTokenStore *store)
{
    int64_t deadline_ms;
    Token *token;
    Work work;

    store_enter(store, &work);
    token = timer_first(store);
    deadline_ms = token ? token->deadline_ms : INT64_MAX;
    store_leave(store, &work);
    return deadline_ms;
}

void vscsi_token_store_expire(VscsiTokenStore *store)
{
    Work work;

    store_enter(store, &work);
    store_leave(store, &work);
}

/* ----------------------------------------------------------------- monitor */

VscsiTokenInfo *vscsi_token_store_list(VscsiTokenStore *store,
                                       const uint64_t *lun_key,
                                       unsigned *count)
{
    VscsiTokenInfo *list = NULL;
    unsigned n;
    Work work;

    store_enter(store, &work);
    n = lun_key ? lun_tokens(store, *lun_key) : store->live.length;
    *count = 0;
    if (n) {
        list = g_new(VscsiTokenInfo, n);
    }
    for (GList *l = store->live.head; l; l = l->next) {
        Token *token = l->data;

        if (!lun_key || token->lun_key == *lun_key) {
            assert(*count < n);
            token_info(store, token, &list[(*count)++]);
        }
    }
    assert(*count == n);
    store_leave(store, &work);
    return list;
}

void vscsi_token_store_stats(VscsiTokenStore *store, VscsiTokenStats *stats)
{
    Work work;

    store_enter(store, &work);
    *stats = store->stats;
    stats->live = store->live.length;
    stats->remembered = store->remembered.length;
    store_leave(store, &work);
}

/* ---------------------------------------------------------- names and sense */

static const struct {
    const char *name;
    VscsiSenseCode sense;
} statuses[VSCSI_TOKEN_STATUS__MAX] = {
    [VSCSI_TOKEN_LIVE] = { "live", VSCSI_SENSE_NONE },
    [VSCSI_TOKEN_ZERO] = { "zero", VSCSI_SENSE_NONE },
    [VSCSI_TOKEN_BAD_LENGTH] = { "bad-length", VSCSI_SENSE_TOKEN_LENGTH },
    [VSCSI_TOKEN_CORRUPT] = { "corrupt", VSCSI_SENSE_TOKEN_CORRUPT },
    [VSCSI_TOKEN_UNSUPPORTED_TYPE] = { "unsupported-type",
                                       VSCSI_SENSE_TOKEN_TYPE_UNSUPPORTED },
    [VSCSI_TOKEN_FOREIGN] = { "foreign",
                              VSCSI_SENSE_TOKEN_REMOTE_UNSUPPORTED },
    [VSCSI_TOKEN_EXPIRED] = { "expired", VSCSI_SENSE_TOKEN_EXPIRED },
    [VSCSI_TOKEN_CANCELLED] = { "cancelled", VSCSI_SENSE_TOKEN_CANCELLED },
    [VSCSI_TOKEN_REVOKED] = { "revoked", VSCSI_SENSE_TOKEN_REVOKED },
    [VSCSI_TOKEN_DELETED] = { "deleted", VSCSI_SENSE_TOKEN_DELETED },
    [VSCSI_TOKEN_UNKNOWN] = { "unknown", VSCSI_SENSE_TOKEN_UNKNOWN },
};

VscsiSense vscsi_token_status_sense(VscsiTokenStatus status)
{
    assert(status >= VSCSI_TOKEN_BAD_LENGTH &&
           status < VSCSI_TOKEN_STATUS__MAX);
    return vscsi_sense(statuses[status].sense);
}

const char *vscsi_token_status_str(VscsiTokenStatus status)
{
    assert(status < VSCSI_TOKEN_STATUS__MAX);
    return statuses[status].name;
}
