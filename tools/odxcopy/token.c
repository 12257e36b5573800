/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * States of an operation, as this file sees it:
 *
 *   start() ---- GOOD, IMMED=0 ----> ended; wait_end() fetches the result
 *      |  \----- GOOD, IMMED=1 ----> running; wait_end() polls
 *      |  \----- 00/16 -----------> same again under the next list id
 *      \-------- other sense -----> ended; a count may be had from
 *                                   INFORMATION or from the result
 *   running ---- status 01-04 ----> ended
 *      |  \----- status 60h ------> ended by an abort
 *      \-- interrupt, --abort-after, no progress: COPY OPERATION ABORT is
 *          sent once, then it is waited for one of the two ends above
 *
 * Invariant: a function here returns only when the operation has ended, or
 * after an abort was sent: nothing goes on writing behind the user's back.
 */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "explain.h"
#include "rrti.h"

enum {
    STATUS_TIMEOUT_MS = 30000,
    ALLOCATION = 1024,          /* the longest true answer has 805 bytes */
    MAX_LIST_IDS = 32,          /* list ids tried when one is in use */
    POLL_DEFAULT_MS = 100,      /* where the device recommends nothing */
    POLL_MAX_MS = 10000,
    ABORT_WAIT_MS = 30000,
    WUT_HEADER = 536,
    PT_HEADER = 16,
    RANGE_SIZE = 16,
    WUT_DELETE_TOKEN = 0x02,    /* DEL_TKN, byte 2 */
};

/* One operation, from start() to its end. */
typedef struct Operation {
    OdxSession *s;
    OdxDevice *dev;
    uint8_t sa;
    uint32_t list_id;
    uint64_t asked;             /* blocks */
    bool abort_sent;
    uint64_t abort_sent_ms;
    bool stalled;               /* aborted for lack of progress */
    uint64_t change_ms;         /* when it last made progress */
    uint64_t last_count;
    uint16_t last_operations;
} Operation;

static const char *operation_name(uint8_t sa)
{
    return sa == SA_POPULATE_TOKEN ? "POPULATE TOKEN" : "WRITE USING TOKEN";
}

static uint64_t now(OdxSession *s)
{
    return s->transport->now_ms(s->transport);
}

void odx_zero_token(uint8_t token[ROD_TOKEN_SIZE])
{
    memset(token, 0, ROD_TOKEN_SIZE);
    odx_put32(token, ROD_TYPE_ZERO);
    odx_put16(token + 6, ROD_TOKEN_LENGTH_FIELD);
}

bool odx_sense_token_gone(const OdxSense *sense)
{
    if (!sense->valid || sense->key != KEY_ILLEGAL_REQUEST) {
        return false;
    }
    switch (sense->asc) {
    case ODX_ASC(0x23, 0x04):
    case ODX_ASC(0x23, 0x06):
    case ODX_ASC(0x23, 0x07):
    case ODX_ASC(0x23, 0x08):
    case ODX_ASC(0x23, 0x09):
        return true;
    default:
        return false;
    }
}

/* List ids 0 to 255 are left to users of the 8-bit commands. */
static uint32_t take_list_id(OdxSession *s)
{
    uint32_t id = s->next_list_id++;

    if (s->next_list_id == 0) {
        s->next_list_id = 0x100;
    }
    return id;
}

static int start(Operation *op, uint8_t *list, uint32_t length,
                 OdxSense *sense, OdxError *err)
{
    OdxSession *s = op->s;
    int ret = -1;

    for (unsigned i = 0; i < MAX_LIST_IDS; i++) {
        OdxCommand cmd;

        op->list_id = take_list_id(s);
        odx_scsi_prepare(&cmd, OP_THIRD_PARTY_OUT, 16, ODX_TO_DEVICE, list,
                         length, s->command_timeout_ms);
        cmd.replan = true;
        cmd.cdb[1] = op->sa;
        odx_put32(cmd.cdb + 6, op->list_id);
        odx_put32(cmd.cdb + 10, length);
        ret = odx_scsi_run(&op->dev->lun, &cmd, sense, err);
        if (ret != ODX_RUN_SENSE || sense->key != KEY_ILLEGAL_REQUEST ||
            sense->asc != ODX_ASC(0x00, 0x16)) {
            break;
        }
    }
    return ret;
}

static int receive(Operation *op, OdxRrti *rrti, OdxSense *sense,
                   OdxError *err)
{
    uint8_t data[ALLOCATION] = { 0 };
    OdxCommand cmd;
    OdxError inner;
    int ret;

    odx_scsi_prepare(&cmd, OP_THIRD_PARTY_IN, 16, ODX_FROM_DEVICE, data,
                     sizeof(data), STATUS_TIMEOUT_MS);
    cmd.cdb[1] = SA_RECEIVE_ROD_TOKEN_INFORMATION;
    odx_put32(cmd.cdb + 2, op->list_id);
    odx_put32(cmd.cdb + 10, sizeof(data));
    op->s->polls++;
    ret = odx_scsi_run(&op->dev->lun, &cmd, sense, err);
    if (ret != ODX_RUN_GOOD) {
        return ret;
    }
    if (odx_rrti_parse(data, cmd.transferred, op->sa, op->asked, rrti,
                       &inner) < 0) {
        return odx_fail(err, inner.code, "%s: %s", op->dev->lun.name,
                        inner.text);
    }
    return ODX_RUN_GOOD;
}

/* Whatever it answers: the truth comes from the next status. */
static void send_abort(Operation *op)
{
    OdxCommand cmd;
    OdxSense sense;
    OdxError ignored;

    op->abort_sent = true;
    op->abort_sent_ms = now(op->s);
    odx_scsi_prepare(&cmd, OP_THIRD_PARTY_OUT, 16, ODX_NO_DATA, NULL, 0,
                     STATUS_TIMEOUT_MS);
    cmd.cdb[1] = SA_COPY_OPERATION_ABORT;
    odx_put32(cmd.cdb + 2, op->list_id);
    (void)odx_scsi_run(&op->dev->lun, &cmd, &sense, &ignored);
}

/* Decides, for an operation that still runs, whether it has to stop. */
static int watch(Operation *op, const OdxRrti *rrti, OdxError *err)
{
    OdxSession *s = op->s;
    uint64_t t = now(s);

    if (rrti->count != op->last_count ||
        rrti->operations != op->last_operations) {
        op->last_count = rrti->count;
        op->last_operations = rrti->operations;
        op->change_ms = t;
    }
    if (op->sa == SA_WRITE_USING_TOKEN && s->progress) {
        s->progress(s->progress_opaque, rrti->count);
    }
    if (op->abort_sent) {
        if (t - op->abort_sent_ms >= ABORT_WAIT_MS) {
            return odx_fail(err, ODX_FAILED, "%s: %s does not stop after "
                            "COPY OPERATION ABORT; it may still be writing",
                            op->dev->lun.name, operation_name(op->sa));
        }
        return 0;
    }
    if (t - op->change_ms >= s->command_timeout_ms) {
        op->stalled = true;
    }
    if (op->stalled || s->transport->interrupted(s->transport) ||
        (s->abort_at_ms && t >= s->abort_at_ms)) {
        send_abort(op);
    }
    return 0;
}

static void pause_before_poll(Operation *op, uint32_t delay_ms)
{
    OdxSession *s = op->s;
    uint64_t delay = delay_ms, t = now(s);

    if (delay == 0 || delay >= 0xfffffffe) {
        delay = POLL_DEFAULT_MS;
    }
    delay = odx_min64(delay, POLL_MAX_MS);
    if (op->abort_sent) {
        delay = odx_min64(delay, POLL_DEFAULT_MS);
    } else if (s->abort_at_ms > t) {
        delay = odx_min64(delay, s->abort_at_ms - t);
    }
    s->transport->sleep_ms(s->transport, delay);
}

/*
 * Asks until the operation has ended.  ODX_RUN_SENSE: the device refuses to
 * tell (@sense), the operation does not run (any more).
 */
static int wait_end(Operation *op, OdxOpResult *result, OdxSense *sense,
                    OdxError *err)
{
    OdxRrti rrti = { 0 };
    int ret;

    op->change_ms = now(op->s);
    while ((ret = receive(op, &rrti, sense, err)) == ODX_RUN_GOOD &&
           odx_rrti_running(&rrti)) {
        if (watch(op, &rrti, err) < 0) {
            return -1;
        }
        pause_before_poll(op, rrti.delay_ms);
    }
    if (ret < 0) {
        /* Nobody can say any more whether it runs. */
        if (!op->abort_sent && op->s->immed) {
            send_abort(op);
        }
        return -1;
    }
    if (ret == ODX_RUN_SENSE) {
        return ret;
    }
    if (op->stalled) {
        return odx_fail(err, ODX_FAILED, "%s: %s made no progress for %u "
                        "seconds and was aborted", op->dev->lun.name,
                        operation_name(op->sa),
                        op->s->command_timeout_ms / 1000);
    }
    result->count = rrti.count;
    result->sense = rrti.sense;
    result->aborted = rrti.status == COPY_TERMINATED;
    result->has_token = rrti.has_token;
    memcpy(result->token, rrti.token, sizeof(result->token));
    return ODX_RUN_GOOD;
}

/* The start itself ended with @sense: what is known about the count? */
static int refused(Operation *op, const OdxSense *sense,
                   OdxOpResult *result, OdxError *err)
{
    bool residual = sense->asc == ODX_ASC(0x0d, 0x04);
    OdxSense again;
    OdxError ignored;

    result->sense = *sense;
    if (sense->key != KEY_COPY_ABORTED &&
        sense->key != KEY_ABORTED_COMMAND && !residual) {
        return 0;
    }
    if (op->sa == SA_WRITE_USING_TOKEN && residual &&
        (sense->info_valid || sense->info)) {
        if (sense->info > op->asked) {
            return odx_fail(err, ODX_IO, "%s: WRITE USING TOKEN claims %llu "
                            "blocks, of %llu", op->dev->lun.name,
                            (unsigned long long)sense->info,
                            (unsigned long long)op->asked);
        }
        result->count = sense->info;
        return 0;
    }
    /* A result is a bonus here: without it the count is 0. */
    if (wait_end(op, result, &again, &ignored) != ODX_RUN_GOOD) {
        memset(result, 0, sizeof(*result));
    }
    if (!result->sense.valid) {
        result->sense = *sense;
    }
    return 0;
}

static int operate(Operation *op, uint8_t *list, uint32_t length,
                   OdxOpResult *result, OdxError *err)
{
    OdxSense sense;
    int ret;

    memset(result, 0, sizeof(*result));
    ret = start(op, list, length, &sense, err);
    if (ret < 0) {
        return -1;
    }
    if (ret == ODX_RUN_SENSE) {
        return refused(op, &sense, result, err);
    }
    ret = wait_end(op, result, &sense, err);
    if (ret == ODX_RUN_SENSE) {
        if (sense.key != KEY_ILLEGAL_REQUEST) {
            return odx_explain(err, ODX_FAILED, op->dev->lun.name,
                               "RECEIVE ROD TOKEN INFORMATION", &sense);
        }
        if (op->sa == SA_WRITE_USING_TOKEN && !op->s->immed) {
            /* GOOD said it all; the result may have been discarded. */
            result->count = op->asked;
        } else {
            result->lost = true;
            result->aborted = op->abort_sent;
            result->sense = sense;
        }
    }
    return ret < 0 ? -1 : 0;
}

static uint64_t put_ranges(uint8_t *to, const OdxRange *ranges, unsigned n)
{
    uint64_t blocks = 0;

    for (unsigned i = 0; i < n; i++) {
        odx_put64(to + i * RANGE_SIZE, ranges[i].lba);
        odx_put32(to + i * RANGE_SIZE + 8, ranges[i].blocks);
        blocks += ranges[i].blocks;
    }
    return blocks;
}

int odx_populate_token(OdxSession *s, OdxDevice *dev, const OdxRange *ranges,
                       unsigned n, uint32_t timeout_s, OdxOpResult *result,
                       OdxError *err)
{
    Operation op = { .s = s, .dev = dev, .sa = SA_POPULATE_TOKEN };
    uint32_t length = PT_HEADER + n * RANGE_SIZE;
    uint8_t *list = calloc(1, length);
    int ret;

    if (!list || n > ODX_MAX_RANGES) {
        free(list);
        return odx_fail(err, ODX_IO, "out of memory");
    }
    odx_put16(list, (uint16_t)(length - 2));
    list[2] = s->immed;
    odx_put32(list + 4, timeout_s);
    odx_put16(list + 14, (uint16_t)(n * RANGE_SIZE));
    op.asked = put_ranges(list + PT_HEADER, ranges, n);
    s->populates++;
    ret = operate(&op, list, length, result, err);
    free(list);
    if (ret == 0 && !result->has_token) {
        if (result->count && !result->sense.valid && !result->aborted) {
            return odx_fail(err, ODX_IO, "%s: POPULATE TOKEN succeeded, but "
                            "the device gave no token", dev->lun.name);
        }
        result->count = 0;
    }
    return ret;
}

/* The parameter list of WRITE USING TOKEN, to be freed; NULL: no memory. */
static uint8_t *put_write_list(const uint8_t *token, uint64_t offset,
                               const OdxRange *ranges,
                               unsigned n, uint8_t flags, uint32_t *length,
                               uint64_t *blocks)
{
    uint8_t *list;

    *length = WUT_HEADER + n * RANGE_SIZE;
    list = calloc(1, *length);
    if (!list) {
        return NULL;
    }
    odx_put16(list, (uint16_t)(*length - 2));
    list[2] = flags;
    odx_put64(list + 8, offset);
    memcpy(list + 16, token, ROD_TOKEN_SIZE);
    odx_put16(list + 534, (uint16_t)(n * RANGE_SIZE));
    *blocks = put_ranges(list + WUT_HEADER, ranges, n);
    return list;
}

int odx_write_using_token(OdxSession *s, OdxDevice *dev,
                          const uint8_t *token, uint64_t offset,
                          const OdxRange *ranges, unsigned n,
                          OdxOpResult *result, OdxError *err)
{
    Operation op = { .s = s, .dev = dev, .sa = SA_WRITE_USING_TOKEN };
    uint32_t length;
    uint8_t *list;
    int ret;

    for (unsigned i = 0; i < n; i++) {
        uint64_t lba = ranges[i].lba;

        if (lba < dev->write_first || lba > dev->write_end ||
            ranges[i].blocks > dev->write_end - lba) {
            return odx_fail(err, ODX_FAILED, "%s: odxcopy was about to write "
                            "outside of the range that it was given (block "
                            "%llu, %u blocks) and stopped itself",
                            dev->lun.name, (unsigned long long)lba,
                            ranges[i].blocks);
        }
    }
    if (n > ODX_MAX_RANGES) {
        return odx_fail(err, ODX_FAILED, "too many ranges");
    }
    list = put_write_list(token, offset, ranges, n, s->immed, &length,
                          &op.asked);
    if (!list) {
        return odx_fail(err, ODX_IO, "out of memory");
    }
    s->writes++;
    ret = operate(&op, list, length, result, err);
    free(list);
    return ret;
}

void odx_delete_token(OdxSession *s, OdxDevice *dev, const uint8_t *token)
{
    Operation op = { .s = s, .dev = dev, .sa = SA_WRITE_USING_TOKEN };
    OdxRange nothing = { .lba = dev->write_first, .blocks = 0 };
    uint32_t length;
    OdxSense sense;
    OdxError ignored;
    uint8_t *list;

    list = put_write_list(token, 0, &nothing, 1, WUT_DELETE_TOKEN, &length,
                          &op.asked);
    if (list) {
        (void)start(&op, list, length, &sense, &ignored);
        free(list);
    }
}
