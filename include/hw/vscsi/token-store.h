/*
 * Token store: every live ROD token of the virtual machine
 *
 * A ROD token is 512 bytes that a guest passes instead of data.  The store
 * issues tokens, recognises them when they come back, counts who uses them,
 * lets them expire, and remembers for a while why a token is no longer good.
 * A ROD (the data behind a token) is an opaque payload pointer here.
 *
 * Life of a token:
 *
 *              add
 *               |            kill, or idle for its inactivity timeout
 *             LIVE  -------------------------------------> REMEMBERED
 *     idle <---> in use                                        |
 *     (timer)   (no timer)              after one more timeout,|
 *                                       or pushed out by newer |
 *                                                              v
 *                                                          FORGOTTEN
 *
 * - LIVE: lookup gives a use handle.  The inactivity timer runs only while no
 *   use is held; it starts anew when the last use ends.
 * - REMEMBERED: lookup answers the cause (expired, cancelled, revoked,
 *   deleted).
 * - FORGOTTEN: lookup answers VSCSI_TOKEN_UNKNOWN.
 * The payload is released once the token is not LIVE and no use is held.
 *
 * Threads: every function may be called from any thread unless it says
 * otherwise; one internal QemuMutex, held for short times only, never across
 * I/O.  No callback is called with the lock held, so callbacks may call the
 * store.  No function needs a coroutine, none yields.
 *
 * Time: every function that takes the lock first applies what has expired by
 * now, so that an answer never depends on how punctual the owner's timer is.  A
 * clock that is set back by more than ten seconds (QEMU's virtual clock by
 * loadvm) takes all deadlines along: what was left of them is left.  By less it
 * stands still: threads may have read it at different times.
 *
 * Bounds: live tokens by the limits of add, remembered ones by max_remembered.
 * Tokens that were killed while in use are bounded by the uses.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_VSCSI_TOKEN_STORE_H
#define HW_VSCSI_TOKEN_STORE_H

#include "hw/vscsi/wire.h"

/* Identifies the process that issued a token; part of each token, not secret */
#define VSCSI_TOKEN_INSTANCE_LEN 16

/* How many former instances a store knows, see ..._adopt_instance() */
#define VSCSI_TOKEN_MAX_FORMER_INSTANCES 8

typedef struct VscsiTokenStore VscsiTokenStore;

/*
 * One command's hold on one token; see vscsi_token_store_use().  The fields are
 * constant while it is held.
 */
typedef struct VscsiTokenUse {
    VscsiTokenStore *store;
    struct VscsiToken *token;   /* private to the store */
    void *payload;              /* the ROD */
    uint64_t id;                /* COPY MANAGER ROD TOKEN IDENTIFIER */
    uint64_t lun_key;           /* creator LUN */
    uint64_t bytes;             /* bytes represented */
    uint32_t block_length;      /* of the creator LUN, bytes */
    uint32_t rod_type;
} VscsiTokenUse;

/*
 * What a token is.  From BAD_LENGTH on in the order in which the standard
 * wants the checks made; the first that applies is the answer.
 */
typedef enum VscsiTokenStatus {
    VSCSI_TOKEN_LIVE,
    VSCSI_TOKEN_ZERO,               /* block device zero ROD token */
    VSCSI_TOKEN_BAD_LENGTH,         /* 23/0A ROD TOKEN LENGTH is not 01F8h */
    VSCSI_TOKEN_CORRUPT,            /* 23/05 ours in name, but not issued so */
    VSCSI_TOKEN_UNSUPPORTED_TYPE,   /* 23/01 not a type this store issues */
    VSCSI_TOKEN_FOREIGN,            /* 23/02 of another copy manager */
    VSCSI_TOKEN_EXPIRED,            /* 23/07 idle for its inactivity timeout */
    VSCSI_TOKEN_CANCELLED,          /* 23/08 by this side: unplug, eject, ... */
    VSCSI_TOKEN_REVOKED,            /* 23/06 its data was overwritten */
    VSCSI_TOKEN_DELETED,            /* 23/09 by DEL_TKN */
    VSCSI_TOKEN_UNKNOWN,            /* 23/04 ours, but forgotten */
    VSCSI_TOKEN_STATUS__MAX
} VscsiTokenStatus;

/*
 * Sense for a status from BAD_LENGTH on: ILLEGAL REQUEST, 23h, the ASCQ above.
 * Pure.  Must not be called with VSCSI_TOKEN_LIVE or VSCSI_TOKEN_ZERO.
 */
VscsiSense vscsi_token_status_sense(VscsiTokenStatus status);

/* Lower-case name with dashes, as in the monitor and in trace points.  Pure. */
const char *vscsi_token_status_str(VscsiTokenStatus status);

/* What the monitor and REPORT ALL ROD TOKENS show of a token; a plain copy */
typedef struct VscsiTokenInfo {
    uint8_t management[VSCSI_ROD_TOKEN_MANAGEMENT_LEN];
    uint64_t id;                /* COPY MANAGER ROD TOKEN IDENTIFIER */
    uint64_t lun_key;           /* creator LUN, as given to add */
    uint32_t rod_type;
    uint32_t block_length;      /* bytes, of the creator LUN */
    uint64_t bytes;             /* bytes represented */
    uint32_t timeout_s;         /* inactivity timeout in force, seconds */
    int64_t age_ms;             /* since creation */
    int64_t idle_left_ms;       /* until it expires; -1 while in use */
    unsigned uses;              /* commands that use it now */
    uint64_t total_uses;        /* commands that have used it, ever */
} VscsiTokenInfo;

typedef struct VscsiTokenCallbacks {
    /* Clock in milliseconds; called from any thread */
    int64_t (*clock_ms)(void *opaque);
    /* Fill @buf with secure random bytes; false if there are none */
    bool (*random_bytes)(void *opaque, void *buf, size_t len);
    /*
     * The store gives up the payload of a token.  Called once per token, in
     * the thread of the call that ended the token or its last use.
     */
    void (*release)(void *opaque, void *payload);
    /*
     * A token has stopped being LIVE for @cause (UNKNOWN: forgotten).  May be
     * NULL.  Called once per token, in the thread of the call that ended the
     * token.  If another thread ends the last use at that time, release may
     * come first.
     */
    void (*ended)(void *opaque, const VscsiTokenInfo *info,
                  VscsiTokenStatus cause);
} VscsiTokenCallbacks;

typedef struct VscsiTokenStoreConfig {
    unsigned max_tokens;        /* live tokens of the VM; > 0 */
    unsigned max_remembered;    /* ended tokens whose cause is kept; may be 0 */
    uint32_t default_timeout_s; /* for INACTIVITY TIMEOUT 0; > 0 */
} VscsiTokenStoreConfig;

typedef struct VscsiTokenStats {
    uint64_t created;
    uint64_t uses;              /* lookups that gave a use handle */
    uint64_t zero;              /* lookups of the zero token */
    uint64_t ended[VSCSI_TOKEN_STATUS__MAX];    /* by cause */
    uint64_t rejected[VSCSI_TOKEN_STATUS__MAX]; /* lookups, by answer */
    uint64_t refused_lun_limit; /* add: answers by result */
    uint64_t refused_vm_limit;
    uint64_t refused_no_random;
    unsigned live;              /* now */
    unsigned remembered;        /* now */
    uint64_t live_bytes;        /* now: sum of bytes represented */
} VscsiTokenStats;

/*
 * A new, empty store.  @config and @callbacks are copied.  NULL if
 * random_bytes() fails (it gives the instance id and the key of the token
 * identifiers), no callback is called with anything then.
 */
VscsiTokenStore *vscsi_token_store_new(const VscsiTokenStoreConfig *config,
                                       const VscsiTokenCallbacks *callbacks,
                                       void *opaque);

/*
 * Forgets every token, releases every payload, frees the store.  No use may be
 * held and no other thread may be in the store.  NULL is allowed.
 */
void vscsi_token_store_free(VscsiTokenStore *store);

/* Change the limit of live tokens; tokens above it stay until they end */
void vscsi_token_store_set_max_tokens(VscsiTokenStore *store,
                                      unsigned max_tokens);

/* ------------------------------------------------------------------ issue */

typedef struct VscsiTokenParams {
    uint64_t lun_key;           /* creator LUN, unique in the VM */
    void *payload;              /* the ROD; not NULL, not in the store yet */
    uint32_t timeout_s;         /* INACTIVITY TIMEOUT; 0 = default */
    unsigned max_lun_tokens;    /* live tokens of this LUN allowed; > 0 */
    /*
     * What the token says: type (VSCSI_ROD_PIT_DEFAULT, _VULNERABLE or
     * _PERSISTENT), creator, bytes, block device data, target.  The store
     * fills in id and extended itself and ignores what is there.
     */
    const VscsiRodToken *body;
} VscsiTokenParams;

typedef enum VscsiTokenAddResult {
    VSCSI_TOKEN_ADD_OK,
    VSCSI_TOKEN_ADD_LUN_LIMIT,  /* the other three: answer 55/0D */
    VSCSI_TOKEN_ADD_VM_LIMIT,
    VSCSI_TOKEN_ADD_NO_RANDOM,
} VscsiTokenAddResult;

/*
 * vscsi_token_store_add: issue a token for a ROD (spec section 2)
 *
 * On OK fills @token, which holds 256 secure random bits beside the fields of
 * the standard; the payload belongs to the store, and the inactivity timer
 * runs.  Otherwise @token is untouched and the payload stays the caller's.
 *
 * Whoever can end the payload from outside (a write that overlaps the ROD) may
 * have done so before the store knew it.  The caller must therefore look at the
 * ROD's state after OK and end the token with vscsi_token_store_end_payload()
 * if it is no longer good.
 */
VscsiTokenAddResult vscsi_token_store_add(VscsiTokenStore *store,
                                          const VscsiTokenParams *params,
                                          uint8_t token[VSCSI_ROD_TOKEN_LEN]);

/* -------------------------------------------------------------------- use */

/*
 * vscsi_token_store_use: recognise @token and hold it for a command
 *
 * LIVE: *@use is a handle; until vscsi_token_use_end() the token does not
 * expire and its payload stays.  Any other status: *@use is NULL.  ZERO is
 * found first, by type and length alone; the rest of a zero token is not
 * looked at.  The others follow in the order of VscsiTokenStatus.  All 512
 * bytes are compared, in a time that does not depend on where they differ.
 */
VscsiTokenStatus vscsi_token_store_use(VscsiTokenStore *store,
                                       const uint8_t token[VSCSI_ROD_TOKEN_LEN],
                                       VscsiTokenUse **use);

/*
 * The command is done with the token.  @use is invalid afterwards.  The last
 * one restarts the inactivity timer, or releases the payload of a token that
 * has ended in the meantime.
 */
void vscsi_token_use_end(VscsiTokenUse *use);

/*
 * VSCSI_TOKEN_LIVE, or the cause for which the token ended after the handle was
 * given (UNKNOWN: forgotten).  Once not LIVE it stays so.
 */
VscsiTokenStatus vscsi_token_use_status(const VscsiTokenUse *use);

/* End the token (DEL_TKN); no effect if it has ended.  @use stays held. */
void vscsi_token_use_delete(VscsiTokenUse *use);

/* The fields of a handle, for those who would rather not look inside */
static inline void *vscsi_token_use_payload(const VscsiTokenUse *use)
{
    return use->payload;
}

static inline uint64_t vscsi_token_use_id(const VscsiTokenUse *use)
{
    return use->id;
}

static inline uint64_t vscsi_token_use_lun_key(const VscsiTokenUse *use)
{
    return use->lun_key;
}

static inline uint64_t vscsi_token_use_bytes(const VscsiTokenUse *use)
{
    return use->bytes;
}

static inline uint32_t vscsi_token_use_block_length(const VscsiTokenUse *use)
{
    return use->block_length;
}

static inline uint32_t vscsi_token_use_rod_type(const VscsiTokenUse *use)
{
    return use->rod_type;
}

/* -------------------------------------------------------------------- end */

/*
 * Each ends LIVE tokens at once.  @cause is CANCELLED, REVOKED, DELETED or
 * UNKNOWN; the last means: forget, do not remember.  A token ends once: a later
 * cause does not replace the first.
 */

/*
 * By payload, in O(1): the block layer says that a ROD is no longer good.  The
 * caller must hold a reference of the payload of its own.  Returns whether a
 * LIVE token was found.
 */
bool vscsi_token_store_end_payload(VscsiTokenStore *store, const void *payload,
                                   VscsiTokenStatus cause);

/* By COPY MANAGER ROD TOKEN IDENTIFIER; returns whether it was LIVE */
bool vscsi_token_store_end_id(VscsiTokenStore *store, uint64_t id,
                              VscsiTokenStatus cause);

/* All of a LUN (hot unplug: CANCELLED); returns how many */
unsigned vscsi_token_store_end_lun(VscsiTokenStore *store, uint64_t lun_key,
                                   VscsiTokenStatus cause);

/*
 * All tokens of the VM and all that is remembered (migration of the VM): from
 * now on they are UNKNOWN.  Returns how many were LIVE.
 */
unsigned vscsi_token_store_forget_all(VscsiTokenStore *store);

/* ----------------------------------------------------------- VM migration */

/* This store's instance id.  Constant. */
void vscsi_token_store_instance(const VscsiTokenStore *store,
                                uint8_t instance[VSCSI_TOKEN_INSTANCE_LEN]);

/*
 * Tokens of the store with this instance id are this VM's own: they are UNKNOWN
 * and not FOREIGN.  For the destination of a VM migration, with the id of the
 * source.  The last VSCSI_TOKEN_MAX_FORMER_INSTANCES ids are kept.
 */
void vscsi_token_store_adopt_instance(VscsiTokenStore *store,
                                      const uint8_t *instance);

/* Adopted ids, oldest first, to be sent on in the next VM migration */
unsigned vscsi_token_store_former_instances(
    VscsiTokenStore *store,
    uint8_t ids[VSCSI_TOKEN_MAX_FORMER_INSTANCES][VSCSI_TOKEN_INSTANCE_LEN]);

/* ------------------------------------------------------------------- time */

/*
 * When vscsi_token_store_expire() will next have something to do, in the time
 * of clock_ms(); INT64_MAX for never.  Every add, use, end of use and end of a
 * token can change it.
 */
int64_t vscsi_token_store_next_deadline(VscsiTokenStore *store);

/* End what has been idle for its timeout, forget what is remembered too long */
void vscsi_token_store_expire(VscsiTokenStore *store);

/* ---------------------------------------------------------------- monitor */

/*
 * All LIVE tokens, of the LUN *@lun_key or of the VM when it is NULL, oldest
 * first.  Sets *@count; NULL when that is 0.  Free with g_free().
 */
VscsiTokenInfo *vscsi_token_store_list(VscsiTokenStore *store,
                                       const uint64_t *lun_key,
                                       unsigned *count);

void vscsi_token_store_stats(VscsiTokenStore *store, VscsiTokenStats *stats);

#endif /* HW_VSCSI_TOKEN_STORE_H */
