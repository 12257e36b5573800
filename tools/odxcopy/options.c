/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <string.h>

#include "options.h"
#include "plan.h"

enum {
    OPT_ABORT_AFTER = 256,
    OPT_CHUNK,
    OPT_COMMAND_TIMEOUT,
    OPT_DELETE_TOKEN,
    OPT_DESCRIPTORS,
    OPT_FORCE,
    OPT_IMMED,
    OPT_INFO,
    OPT_JSON,
    OPT_LIST_ID,
    OPT_NO_DELETE_TOKEN,
    OPT_STRICT,
    OPT_TIMEOUT,
    OPT_VERIFY,
    OPT_ZERO,
};

/* A day; more would not fit SG_IO's milliseconds in every kernel. */
#define MAX_COMMAND_TIMEOUT 86400
#define DEFAULT_COMMAND_TIMEOUT 600

static const struct option long_options[] = {
    { "abort-after", required_argument, NULL, OPT_ABORT_AFTER },
    { "chunk", required_argument, NULL, OPT_CHUNK },
    { "command-timeout", required_argument, NULL, OPT_COMMAND_TIMEOUT },
    { "delete-token", no_argument, NULL, OPT_DELETE_TOKEN },
    { "descriptors", required_argument, NULL, OPT_DESCRIPTORS },
    { "force", no_argument, NULL, OPT_FORCE },
    { "help", no_argument, NULL, 'h' },
    { "immed", no_argument, NULL, OPT_IMMED },
    { "info", no_argument, NULL, OPT_INFO },
    { "json", no_argument, NULL, OPT_JSON },
    { "list-id", required_argument, NULL, OPT_LIST_ID },
    { "no-delete-token", no_argument, NULL, OPT_NO_DELETE_TOKEN },
    { "quiet", no_argument, NULL, 'q' },
    { "strict", no_argument, NULL, OPT_STRICT },
    { "timeout", required_argument, NULL, OPT_TIMEOUT },
    { "verify", no_argument, NULL, OPT_VERIFY },
    { "version", no_argument, NULL, 'V' },
    { "zero", no_argument, NULL, OPT_ZERO },
    { NULL, 0, NULL, 0 },
};

void odx_options_help(FILE *out)
{
    fputs(
"Usage: odxcopy [OPTION]... SRC[:OFFSET[+LENGTH]] DST[:OFFSET]\n"
"       odxcopy [OPTION]... --zero DST[:OFFSET[+LENGTH]]\n"
"       odxcopy --info DISK\n"
"\n"
"Copies between SCSI disks (/dev/sdX, /dev/sgX) by token: the disks' copy\n"
"manager moves the data, this machine moves none. OFFSET and LENGTH are in\n"
"bytes, with K, M, G or T for powers of 1024, and multiples of the block\n"
"size. Without LENGTH everything up to the end of the disk is copied.\n"
"\n"
"  --zero               write zeroes, by the zero token\n"
"  --info               show what a disk says about its copy manager\n"
"  --verify             read both sides afterwards and compare\n"
"  --strict             fail rather than copy more than one point in time\n"
"  --immed              start operations, then poll (IMMED=1)\n"
"  --timeout SECONDS    inactivity timeout of the tokens (0: default)\n"
"  --chunk SIZE         bytes in one command (default: what the disks "
"advise)\n"
"  --descriptors N      spread each command over N range descriptors\n"
"  --list-id N          first list identifier (default: random)\n"
"  --command-timeout S  seconds for one command, and without progress "
"(600)\n"
"  --delete-token       delete tokens after use (default)\n"
"  --no-delete-token    leave tokens to their inactivity timeout\n"
"  --abort-after MS     with --immed: abort the copy after that time\n"
"  --force              write although the destination is in use\n"
"  --json               print the summary as one line of JSON\n"
"  -q, --quiet          print errors only (and the JSON line)\n"
"  -h, --help           show this text\n"
"  -V, --version        show the version\n"
"\n"
"Exit codes: 0 done; 1 usage; 2 a disk cannot do it; 3 copy refused or\n"
"failed; 4 --verify found a difference; 5 input/output or transport error;\n"
"6 interrupted; 7 refused because it is not safe (overlap, disk in use).\n",
    out);
}

/* Digits, decimal or after 0x hexadecimal; no sign, no suffix. */
static bool parse_digits(const char *text, uint64_t max, uint64_t *out)
{
    bool hex = text[0] == '0' && text[1] == 'x';
    const char *digits = hex ? "0123456789abcdef" : "0123456789";
    const char *p = hex ? text + 2 : text;
    uint64_t base = strlen(digits), n = 0;

    if (!*p) {
        return false;
    }
    for (; *p; p++) {
        const char *digit = strchr(digits, *p);

        if (!digit || n > (max - (uint64_t)(digit - digits)) / base) {
            return false;
        }
        n = n * base + (uint64_t)(digit - digits);
    }
    *out = n;
    return true;
}

/* @max is at least 15, so that it is no less than any digit. */
static int parse_u64(const char *option, const char *text, uint64_t max,
                     uint64_t *out, OdxError *err)
{
    if (!parse_digits(text, max, out)) {
        return odx_fail(err, ODX_USAGE, "--%s %s: give a number from 0 to "
                        "%llu", option, text, (unsigned long long)max);
    }
    return 0;
}

static int parse_u32(const char *option, const char *text, uint32_t max,
                     uint32_t *out, OdxError *err)
{
    uint64_t n = 0;

    if (parse_u64(option, text, max, &n, err) < 0) {
        return -1;
    }
    *out = (uint32_t)n;
    return 0;
}

static int take_argument(OdxOptions *o, int opt, const char *arg,
                         OdxError *err)
{
    switch (opt) {
    case OPT_ABORT_AFTER:
        if (parse_u64("abort-after", arg, UINT32_MAX, &o->abort_after_ms,
                      err) < 0) {
            return -1;
        }
        /* 0 is kept for "never" */
        o->abort_after_ms += o->abort_after_ms == 0;
        return 0;
    case OPT_CHUNK:
        if (!odx_size_parse(arg, &o->chunk) || o->chunk == 0) {
            return odx_fail(err, ODX_USAGE, "--chunk %s: give a size in "
                            "bytes, with K, M, G or T if you like", arg);
        }
        return 0;
    case OPT_COMMAND_TIMEOUT:
        return parse_u32("command-timeout", arg, MAX_COMMAND_TIMEOUT,
                         &o->command_timeout_s, err);
    case OPT_DESCRIPTORS:
        return parse_u32("descriptors", arg, ODX_MAX_RANGES,
                         &o->descriptors, err);
    case OPT_LIST_ID:
        o->has_list_id = true;
        return parse_u32("list-id", arg, UINT32_MAX, &o->list_id, err);
    case OPT_TIMEOUT:
        return parse_u32("timeout", arg, UINT32_MAX, &o->inactivity_s, err);
    default:
        return odx_fail(err, ODX_USAGE, "see odxcopy --help");
    }
}

static int take_option(OdxOptions *o, int opt, const char *arg,
                       OdxError *err)
{
    switch (opt) {
    case OPT_DELETE_TOKEN:
        o->delete_token = true;
        return 0;
    case OPT_FORCE:
        o->force = true;
        return 0;
    case OPT_IMMED:
        o->immed = true;
        return 0;
    case OPT_INFO:
        o->action = ODX_ACTION_INFO;
        return 0;
    case OPT_JSON:
        o->json = true;
        return 0;
    case OPT_NO_DELETE_TOKEN:
        o->delete_token = false;
        return 0;
    case OPT_STRICT:
        o->strict = true;
        return 0;
    case OPT_VERIFY:
        o->verify = true;
        return 0;
    case OPT_ZERO:
        o->action = ODX_ACTION_ZERO;
        return 0;
    case 'h':
        o->action = ODX_ACTION_HELP;
        return 0;
    case 'V':
        o->action = ODX_ACTION_VERSION;
        return 0;
    case 'q':
        o->quiet = true;
        return 0;
    default:
        return take_argument(o, opt, arg, err);
    }
}

static int take_operands(OdxOptions *o, int n, char **operands,
                         OdxError *err)
{
    int want = o->action == ODX_ACTION_COPY ? 2 : 1;

    if (n != want) {
        return odx_fail(err, ODX_USAGE, "%s needs %d operand%s, and got %d; "
                        "see odxcopy --help",
                        o->action == ODX_ACTION_COPY ? "a copy" :
                        o->action == ODX_ACTION_ZERO ? "--zero" : "--info",
                        want, want > 1 ? "s" : "", n);
    }
    o->src = want == 2 ? operands[0] : NULL;
    o->dst = operands[n - 1];
    if (o->abort_after_ms && !o->immed) {
        return odx_fail(err, ODX_USAGE, "--abort-after needs --immed: a "
                        "command that is waited for cannot be aborted");
    }
    if (o->command_timeout_s == 0) {
        return odx_fail(err, ODX_USAGE, "--command-timeout must be at least "
                        "1 second");
    }
    if (o->json && o->action == ODX_ACTION_INFO) {
        return odx_fail(err, ODX_USAGE, "--info has no --json form");
    }
    return 0;
}

int odx_options_parse(OdxOptions *o, int argc, char **argv, OdxError *err)
{
    int opt;

    memset(o, 0, sizeof(*o));
    o->delete_token = true;
    o->command_timeout_s = DEFAULT_COMMAND_TIMEOUT;
    optind = 0;         /* glibc: forget an earlier command line */
    opterr = 0;
    while ((opt = getopt_long(argc, argv, ":hqV", long_options,
                              NULL)) != -1) {
        if (opt == '?' || opt == ':') {
            return odx_fail(err, ODX_USAGE, "%s: %s; see odxcopy --help",
                            argv[optind - 1], opt == ':' ?
                            "an argument is missing" : "no such option");
        }
        if (take_option(o, opt, optarg, err) < 0) {
            return -1;
        }
        if (o->action == ODX_ACTION_HELP ||
            o->action == ODX_ACTION_VERSION) {
            return 0;
        }
    }
    return take_operands(o, argc - optind, argv + optind, err);
}
