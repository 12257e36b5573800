/*
 * What the monitor says of copies: query-vscsi, info vscsi, QOM properties
 *
 * Answers are looked up by paths such as "controllers.0.luns.1.copy.tokens":
 * names of members and places in lists.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qobject/qbool.h"
#include "qobject/qjson.h"
#include "qobject/qlist.h"
#include "qobject/qnum.h"
#include "qobject/qstring.h"
#include "harness.h"

#define DISK_SIZE   (16 * MiB)
/* Much more than the offload engine has in flight */
#define SLOW_SIZE   (32 * MiB)
#define LUN0        "controllers.0.luns.0"
#define LUN1        "controllers.0.luns.1"

/* --------------------------------------------------------------- answers */

static QDict *query(VtVm *vm)
{
    return qtest_qmp_assert_success_ref(vm->qts,
                                        "{'execute': 'query-vscsi'}");
}

/* What stands at @path, or NULL; belongs to @answer */
static QObject *at(QDict *answer, const char *path)
{
    g_auto(GStrv) names = g_strsplit(path, ".", -1);
    QObject *obj = QOBJECT(answer);

    for (char **name = names; obj && *name; name++) {
        if (qobject_type(obj) == QTYPE_QDICT) {
            obj = qdict_get(qobject_to(QDict, obj), *name);
        } else {
            QList *list = qobject_to(QList, obj);
            const QListEntry *entry = qlist_first(list);

            for (int n = atoi(*name); entry && n > 0; n--) {
                entry = qlist_next(entry);
            }
            obj = entry ? qlist_entry_obj(entry) : NULL;
        }
    }
    return obj;
}

static bool has(QDict *answer, const char *path)
{
    return at(answer, path) != NULL;
}

static uint64_t number(QDict *answer, const char *path)
{
    QObject *obj = at(answer, path);

    g_assert_nonnull(obj);
    return qnum_get_uint(qobject_to(QNum, obj));
}

static const char *text(QDict *answer, const char *path)
{
    QObject *obj = at(answer, path);

    g_assert_nonnull(obj);
    return qstring_get_str(qobject_to(QString, obj));
}

static bool flag(QDict *answer, const char *path)
{
    QObject *obj = at(answer, path);

    g_assert_nonnull(obj);
    return qbool_get_bool(qobject_to(QBool, obj));
}

static size_t length(QDict *answer, const char *path)
{
    QObject *obj = at(answer, path);

    g_assert_nonnull(obj);
    return qlist_size(qobject_to(QList, obj));
}

/* Bytes copied to a LUN, by all methods */
static uint64_t copied(QDict *answer, const char *lun)
{
    uint64_t sum = 0;

    for (unsigned i = 0; ; i++) {
        g_autofree char *path = g_strdup_printf("%s.copy.copied.%u.bytes", lun,
                                                i);

        if (!has(answer, path)) {
            return sum;
        }
        sum += number(answer, path);
    }
}

/* -------------------------------------------------------------- the tests */

static void test_limits_with_units(void)
{
    VtVm *vm = vt_new();
    QDict *a;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) {
        .size = DISK_SIZE, .block = 4096,
        .opts = "max-ranges=7,max-token-size=64M,optimal-size=32M,"
                "max-inactivity=90,default-inactivity=9,max-tokens=11,"
                "max-copies=5,sync-time=1500,retention=77",
    });
    vt_boot(vm);
    a = query(vm);
    g_assert_cmpstr(text(a, "controllers.0.type"), ==, "vscsi-pci");
    g_assert_cmpstr(text(a, "controllers.0.id"), ==, "hba0");
    g_assert_cmpstr(text(a, "controllers.0.qom-path"), ==,
                    "/machine/peripheral/hba0");
    g_assert_cmpstr(text(a, LUN0 ".qom-path"), ==, "/machine/peripheral/lun0");
    g_assert_cmpstr(text(a, LUN0 ".node-name"), ==, "raw0");
    g_assert_true(flag(a, LUN0 ".offload"));
    g_assert_false(has(a, LUN0 ".refusal"));
    g_assert_cmpuint(number(a, LUN0 ".copy.limits.block-size"), ==, 4096);
    g_assert_cmpuint(number(a, LUN0 ".copy.limits.max-ranges"), ==, 7);
    g_assert_cmpuint(number(a, LUN0 ".copy.limits.max-token-size"), ==,
                     64 * MiB);
    g_assert_cmpuint(number(a, LUN0 ".copy.limits.optimal-size"), ==, 32 * MiB);
    g_assert_cmpuint(number(a, LUN0 ".copy.limits.max-inactivity"), ==, 90);
    g_assert_cmpuint(number(a, LUN0 ".copy.limits.default-inactivity"), ==, 9);
    g_assert_cmpuint(number(a, LUN0 ".copy.limits.max-tokens"), ==, 11);
    g_assert_cmpuint(number(a, LUN0 ".copy.limits.max-copies"), ==, 5);
    g_assert_cmpuint(number(a, LUN0 ".copy.limits.sync-time"), ==, 1500);
    g_assert_cmpuint(number(a, LUN0 ".copy.limits.retention"), ==, 77);
    qobject_unref(a);
    vt_free(vm);
}

static void test_luns_without_offload_say_why(void)
{
    VtVm *vm = vt_new();
    QDict *a;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE, .opts = "offload=off" });
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE, .device = "scsi-hd" });
    vt_arg(vm, "-device scsi-cd,bus=hba0.0,scsi-id=5");
    vt_boot(vm);
    a = query(vm);
    g_assert_cmpuint(length(a, "controllers.0.luns"), ==, 3);
    g_assert_false(flag(a, LUN0 ".offload"));
    g_assert_cmpstr(text(a, LUN0 ".refusal"), ==, "offload=off");
    g_assert_false(has(a, LUN0 ".copy"));
    g_assert_false(flag(a, LUN1 ".offload"));
    g_assert_nonnull(strstr(text(a, LUN1 ".refusal"), "scsi-hd"));
    g_assert_false(flag(a, "controllers.0.luns.2.offload"));
    g_assert_nonnull(strstr(text(a, "controllers.0.luns.2.refusal"),
                            "scsi-cd"));
    g_assert_cmpuint(number(a, "controllers.0.luns.2.target"), ==, 5);
    g_assert_false(has(a, "controllers.0.luns.2.node-name"));
    qobject_unref(a);
    vt_free(vm);
}

static void test_controllers_are_all_there(void)
{
    VtVm *vm = vt_new();
    QDict *a;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE });
    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE, .cold = true });
    /* another controller with a vscsi-hd, one with none */
    vt_arg(vm, "-device virtio-scsi-pci,id=other -device virtio-scsi-pci,"
           "id=unrelated -device vscsi-hd,id=guest,bus=other.0,drive=raw1");
    vt_boot(vm);
    a = query(vm);
    g_assert_cmpuint(length(a, "controllers"), ==, 3);
    g_assert_cmpstr(text(a, "controllers.0.id"), ==, "hba0");
    g_assert_cmpuint(length(a, "controllers.0.luns"), ==, 1);
    g_assert_cmpstr(text(a, "controllers.1.id"), ==, "hba1");
    g_assert_cmpuint(length(a, "controllers.1.luns"), ==, 0);
    g_assert_cmpstr(text(a, "controllers.2.id"), ==, "other");
    g_assert_cmpstr(text(a, "controllers.2.luns.0.id"), ==, "guest");
    qobject_unref(a);
    vt_free(vm);
}

static void test_token_after_copy(void)
{
    VtVm *vm = vt_simple(2, DISK_SIZE);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    QDict *a;

    vt_fill(vm, 0, 0, DISK_SIZE, 1);
    vt_token(vm, 0, 0, 4096, token);
    vt_clock_step(vm, 4000);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 4096), ==, 0);
    vt_clock_step(vm, 1500);

    a = query(vm);
    g_assert_cmpuint(number(a, LUN0 ".copy.live-tokens"), ==, 1);
    g_assert_cmpuint(length(a, LUN0 ".copy.tokens"), ==, 1);
    g_assert_cmpuint(number(a, LUN0 ".copy.tokens.0.token"), ==,
                     vscsi_rod_token_id(token));
    g_assert_cmpstr(text(a, LUN0 ".copy.tokens.0.rod-type"), ==,
                    "pit-vulnerable");
    g_assert_cmpuint(number(a, LUN0 ".copy.tokens.0.bytes"), ==, 2 * MiB);
    g_assert_cmpuint(number(a, LUN0 ".copy.tokens.0.age"), ==, 5500);
    /* the use has started the timer anew */
    g_assert_cmpuint(number(a, LUN0 ".copy.tokens.0.inactivity-timeout"), ==,
                     30);
    g_assert_cmpuint(number(a, LUN0 ".copy.tokens.0.idle-left"), ==, 28500);
    g_assert_cmpuint(number(a, LUN0 ".copy.tokens.0.users"), ==, 0);
    g_assert_cmpuint(number(a, LUN0 ".copy.tokens.0.uses"), ==, 1);
    g_assert_cmpuint(copied(a, LUN0), ==, 0);
    g_assert_cmpuint(copied(a, LUN1), ==, 2 * MiB);

    g_assert_cmpuint(number(a, LUN1 ".copy.running"), ==, 0);
    g_assert_cmpuint(number(a, LUN1 ".copy.kept"), ==, 1);
    g_assert_cmpstr(text(a, LUN1 ".copy.operations.0.service-action"), ==,
                    "write-using-token");
    g_assert_cmpstr(text(a, LUN1 ".copy.operations.0.state"), ==, "ok");
    g_assert_cmpuint(number(a, LUN1 ".copy.operations.0.asked"), ==, 2 * MiB);
    g_assert_cmpuint(number(a, LUN1 ".copy.operations.0.done"), ==, 2 * MiB);
    g_assert_cmpuint(number(a, LUN1 ".copy.operations.0.kept-left"), ==, 58500);

    g_assert_cmpuint(number(a, "tokens.live"), ==, 1);
    g_assert_cmpuint(number(a, "tokens.live-bytes"), ==, 2 * MiB);
    g_assert_cmpuint(number(a, "tokens.created"), ==, 1);
    g_assert_cmpuint(number(a, "tokens.uses"), ==, 1);
    qobject_unref(a);
    vt_free(vm);
}

static void test_running_operation(void)
{
    VtVm *vm = vt_new();
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VtStatus s;
    VscsiWut wut;
    QDict *a;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SLOW_SIZE });
    vt_disk(vm, &(VtDiskConf) { .size = SLOW_SIZE, .bps = MiB });
    vt_boot(vm);
    vt_fill(vm, 0, 0, SLOW_SIZE, 1);
    vt_token(vm, 0, 0, SLOW_SIZE / 512, token);
    wut = vt_wut(token, 0, SLOW_SIZE / 512);
    wut.immed = true;
    g_assert_cmphex(vt_write_token(vm, 1, 0x77, &wut), ==, 0);

    a = query(vm);
    g_assert_cmpuint(number(a, LUN1 ".copy.running"), ==, 1);
    g_assert_cmpuint(number(a, LUN1 ".copy.operations.0.list-id"), ==, 0x77);
    g_assert_cmpstr(text(a, LUN1 ".copy.operations.0.state"), ==,
                    "background");
    g_assert_cmpuint(number(a, LUN1 ".copy.operations.0.asked"), ==, SLOW_SIZE);
    g_assert_cmpuint(number(a, LUN1 ".copy.operations.0.done"), <, SLOW_SIZE);
    g_assert_false(has(a, LUN1 ".copy.operations.0.kept-left"));
    g_assert_cmpuint(number(a, LUN0 ".copy.tokens.0.users"), ==, 1);
    g_assert_false(has(a, LUN0 ".copy.tokens.0.idle-left"));
    qobject_unref(a);

    /* the throttle lets go only when the clock goes on */
    vm->step_ns = 100 * 1000 * 1000;
    g_assert_cmphex(vt_abort(vm, 1, 0x77), ==, 0);
    vt_poll(vm, 1, 0x77, &s);
    a = query(vm);
    g_assert_cmpuint(number(a, LUN1 ".copy.running"), ==, 0);
    g_assert_cmpstr(text(a, LUN1 ".copy.operations.0.state"), ==,
                    "terminated");
    qobject_unref(a);
    vt_free(vm);
}

static void test_answer_is_bounded(void)
{
    VtVm *vm = vt_simple(1, DISK_SIZE);
    QDict *a;

    for (unsigned i = 0; i < 5; i++) {
        VscsiPt pt = vt_pt(i * 8, 8);

        g_assert_cmphex(vt_populate(vm, 0, i, &pt), ==, 0);
    }
    a = qtest_qmp_assert_success_ref(
        vm->qts, "{'execute': 'query-vscsi', 'arguments': {'max-entries': 2}}");
    g_assert_cmpuint(number(a, LUN0 ".copy.live-tokens"), ==, 5);
    g_assert_cmpuint(length(a, LUN0 ".copy.tokens"), ==, 2);
    g_assert_cmpuint(number(a, LUN0 ".copy.kept"), ==, 5);
    g_assert_cmpuint(length(a, LUN0 ".copy.operations"), ==, 2);
    qobject_unref(a);
    a = qtest_qmp_assert_failure_ref(
        vm->qts,
        "{'execute': 'query-vscsi', 'arguments': {'max-entries': 1025}}");
    g_assert_nonnull(strstr(qdict_get_str(a, "desc"), "max-entries=1025"));
    qobject_unref(a);
    vt_free(vm);
}

static void test_rejections_by_sense_code(void)
{
    VtVm *vm = vt_simple(1, DISK_SIZE);
    VscsiPt past_end = vt_pt(DISK_SIZE / 512, 1);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VtStatus s;
    QDict *a;

    g_assert_cmphex(vt_populate(vm, 0, 1, &past_end), ==, 0x052100);
    g_assert_cmphex(vt_populate(vm, 0, 1, &past_end), ==, 0x052100);
    g_assert_cmphex(vt_rrti(vm, 0, 99, 805, &s), ==, 0x052400);
    vt_token(vm, 0, 0, 8, token);
    token[300] ^= 1;
    g_assert_cmphex(vt_use(vm, 0, token, 64, 8), ==, 0x052305);

    a = query(vm);
    g_assert_cmpuint(length(a, LUN0 ".copy.rejections"), ==, 3);
    g_assert_cmpuint(number(a, LUN0 ".copy.rejections.0.key"), ==, 5);
    g_assert_cmpuint(number(a, LUN0 ".copy.rejections.0.asc"), ==, 0x21);
    g_assert_cmpuint(number(a, LUN0 ".copy.rejections.0.ascq"), ==, 0);
    g_assert_cmpuint(number(a, LUN0 ".copy.rejections.0.count"), ==, 2);
    g_assert_cmpstr(text(a, LUN0 ".copy.rejections.0.name"), ==,
                    "logical block address out of range");
    g_assert_cmpuint(number(a, LUN0 ".copy.rejections.1.asc"), ==, 0x24);
    g_assert_cmpuint(number(a, LUN0 ".copy.rejections.2.ascq"), ==, 5);
    g_assert_cmpstr(text(a, "tokens.refused.0.refusal"), ==, "corrupt");
    g_assert_cmpuint(number(a, "tokens.refused.0.count"), ==, 1);
    qobject_unref(a);
    vt_free(vm);
}

static void test_ends_of_tokens_by_cause(void)
{
    VtVm *vm = vt_simple(1, DISK_SIZE);
    uint8_t token[VSCSI_ROD_TOKEN_LEN], block[512] = {};
    QDict *a;

    vt_token(vm, 0, 0, 8, token);
    g_assert_cmphex(vt_write(vm, 0, 0, 1, block), ==, 0);
    vt_token(vm, 0, 8, 8, token);
    vt_clock_step(vm, 31000);
    g_assert_cmphex(vt_use(vm, 0, token, 64, 8), ==, 0x052307);
    a = query(vm);
    g_assert_cmpuint(number(a, "tokens.live"), ==, 0);
    g_assert_cmpuint(number(a, "tokens.created"), ==, 2);
    g_assert_cmpuint(length(a, "tokens.ended"), ==, 2);
    g_assert_cmpstr(text(a, "tokens.ended.0.cause"), ==, "expired");
    g_assert_cmpstr(text(a, "tokens.ended.1.cause"), ==, "revoked");
    g_assert_cmpstr(text(a, "tokens.refused.0.refusal"), ==, "expired");
    qobject_unref(a);
    vt_free(vm);
}

/* ---------------------------------------------------------- QOM properties */

static QDict *qom_get(VtVm *vm, const char *path, const char *property)
{
    return qtest_qmp(vm->qts, "{'execute': 'qom-get', 'arguments': "
                     "{'path': %s, 'property': %s}}", path, property);
}

static uint64_t property(VtVm *vm, const char *path, const char *name)
{
    QDict *response = qom_get(vm, path, name);
    uint64_t value = number(response, "return");

    qobject_unref(response);
    return value;
}

static void test_properties(void)
{
    static const char *const methods[] = { "zero", "copy-range", "bounce" };
    VtVm *vm = vt_simple(2, DISK_SIZE);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    uint64_t sum = 0;
    QDict *a, *naa;

    vt_fill(vm, 0, 0, DISK_SIZE, 1);
    vt_token(vm, 0, 0, 128, token);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 128), ==, 0);
    g_assert_cmpuint(property(vm, "lun0", "live-tokens"), ==, 1);
    g_assert_cmpuint(property(vm, "lun1", "live-tokens"), ==, 0);
    for (unsigned i = 0; i < ARRAY_SIZE(methods); i++) {
        g_autofree char *name = g_strdup_printf("stats-bytes-%s", methods[i]);

        sum += property(vm, "lun1", name);
        g_assert_cmpuint(property(vm, "lun0", name), ==, 0);
    }
    g_assert_cmpuint(sum, ==, 128 * 512);
    a = query(vm);
    naa = qom_get(vm, "lun0", "offload-naa");
    g_assert_cmpstr(text(naa, "return"), ==, text(a, LUN0 ".copy.naa"));
    g_assert_cmpstr(text(naa, "return"), !=, text(a, LUN1 ".copy.naa"));
    qobject_unref(naa);
    qobject_unref(a);

    /* they are figures, not settings */
    a = qtest_qmp_assert_failure_ref(
        vm->qts, "{'execute': 'qom-set', 'arguments': {'path': 'lun0', "
        "'property': 'live-tokens', 'value': 7}}");
    qobject_unref(a);
    vt_free(vm);
}

static void test_properties_have_descriptions(void)
{
    VtVm *vm = vt_simple(1, DISK_SIZE);
    QDict *response = qtest_qmp(vm->qts, "{'execute': 'device-list-properties',"
                                "'arguments': {'typename': 'vscsi-hd'}}");
    const QListEntry *entry;
    unsigned found = 0;

    QLIST_FOREACH_ENTRY(qdict_get_qlist(response, "return"), entry)
    {
        QDict *p = qobject_to(QDict, qlist_entry_obj(entry));
        const char *name = qdict_get_str(p, "name");

        if (g_str_has_prefix(name, "stats-") || !strcmp(name, "live-tokens") ||
            !strcmp(name, "offload-naa")) {
            g_assert_true(g_str_has_prefix(qdict_get_str(p, "description"),
                                           "Read-only: "));
            found++;
        }
    }
    g_assert_cmpuint(found, ==, 6);
    qobject_unref(response);
    vt_free(vm);
}

/* -------------------------------------------------------------------- HMP */

/* The lines of the table under @title, head first; NULL-terminated */
static char **table(const char *output, const char *title)
{
    g_auto(GStrv) lines = NULL;
    g_autofree char *head = g_strdup_printf("%s:", title);
    GPtrArray *rows = g_ptr_array_new();
    bool inside = false;

    lines = g_strsplit(output, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_strchomp(*line);
        if (!strcmp(*line, head)) {
            inside = true;
        } else if (inside && g_str_has_prefix(*line, "  ")) {
            g_ptr_array_add(rows, g_strdup(*line));
        } else {
            inside = false;
        }
    }
    g_ptr_array_add(rows, NULL);
    return (char **)g_ptr_array_free(rows, false);
}

/*
 * Columns that are blank in every row, two or more side by side, once the text
 * has begun: as many as there are gaps between aligned columns.
 */
static unsigned count_gaps(char **rows)
{
    size_t width = SIZE_MAX;
    unsigned gaps = 0, blanks = 0;

    for (char **row = rows; *row; row++) {
        width = MIN(width, strlen(*row));
    }
    for (size_t i = 2; i < width; i++) {
        bool blank = true;

        for (char **row = rows; *row && blank; row++) {
            blank = (*row)[i] == ' ';
        }
        gaps += !blank && blanks >= 2;
        blanks = blank ? blanks + 1 : 0;
    }
    return gaps;
}

static void check_table(const char *output, const char *title, unsigned rows,
                        unsigned columns)
{
    g_auto(GStrv) lines = table(output, title);

    g_assert_cmpuint(g_strv_length(lines), ==, rows + 1);
    g_assert_cmpuint(count_gaps(lines), ==, columns - 1);
}

static void test_info_vscsi(void)
{
    VtVm *vm = vt_simple(2, DISK_SIZE);
    VscsiPt past_end = vt_pt(DISK_SIZE / 512, 1);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    g_autofree char *empty = NULL;
    g_autofree char *full = NULL;
    g_autofree char *id = NULL;

    empty = qtest_hmp(vm->qts, "info vscsi");
    check_table(empty, "vscsi-pci hba0, target:lun", 2, 7);
    g_assert_nonnull(strstr(empty, "tokens of the VM: 0 live (0 B)"));
    /* nothing to say, nothing said */
    g_assert_null(strstr(empty, "live tokens:"));
    g_assert_null(strstr(empty, "copied:"));
    g_assert_null(strstr(empty, "rejected"));

    vt_fill(vm, 0, 0, DISK_SIZE, 1);
    vt_token(vm, 0, 0, 4096, token);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 4096), ==, 0);
    g_assert_cmphex(vt_populate(vm, 0, 1, &past_end), ==, 0x052100);
    full = qtest_hmp(vm->qts, "info vscsi");
    id = g_strdup_printf("%016" PRIx64, vscsi_rod_token_id(token));
    g_assert_nonnull(strstr(full, id));
    g_assert_nonnull(strstr(full, "5/21/00"));
    g_assert_nonnull(strstr(full, "2 MiB"));
    check_table(full, "live tokens", 1, 7);
    check_table(full, "copy operations", 1, 7);
    check_table(full, "rejected commands", 1, 4);
    vt_free(vm);
}

static void test_info_vscsi_without_controller(void)
{
    QTestState *qts = qtest_init("-nodefaults");
    g_autofree char *output = qtest_hmp(qts, "info vscsi");
    QDict *a = qtest_qmp_assert_success_ref(qts, "{'execute': 'query-vscsi'}");

    g_assert_nonnull(strstr(output, "no vscsi controllers"));
    g_assert_cmpuint(length(a, "controllers"), ==, 0);
    g_assert_cmpuint(number(a, "tokens.live"), ==, 0);
    qobject_unref(a);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/vscsi/monitor/limits-with-units", test_limits_with_units);
    qtest_add_func("/vscsi/monitor/luns-without-offload-say-why",
                   test_luns_without_offload_say_why);
    qtest_add_func("/vscsi/monitor/controllers-are-all-there",
                   test_controllers_are_all_there);
    qtest_add_func("/vscsi/monitor/token-after-copy", test_token_after_copy);
    qtest_add_func("/vscsi/monitor/running-operation", test_running_operation);
    qtest_add_func("/vscsi/monitor/answer-is-bounded", test_answer_is_bounded);
    qtest_add_func("/vscsi/monitor/rejections-by-sense-code",
                   test_rejections_by_sense_code);
    qtest_add_func("/vscsi/monitor/ends-of-tokens-by-cause",
                   test_ends_of_tokens_by_cause);
    qtest_add_func("/vscsi/monitor/properties", test_properties);
    qtest_add_func("/vscsi/monitor/properties-have-descriptions",
                   test_properties_have_descriptions);
    qtest_add_func("/vscsi/monitor/info-vscsi", test_info_vscsi);
    qtest_add_func("/vscsi/monitor/info-vscsi-without-controller",
                   test_info_vscsi_without_controller);
    return g_test_run();
}
