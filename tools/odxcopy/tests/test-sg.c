/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The transport over SG_IO.  The linker sends its ioctl() here (--wrap): the
 * null device plays a SCSI device, each test says what the kernel answers.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <scsi/sg.h>

#include "sg.h"
#include "support.h"

/* What the kernel answers to SG_IO, and what it was asked. */
static struct {
    bool scsi;                  /* SG_GET_VERSION_NUM succeeds */
    int error;                  /* errno, or 0 */
    unsigned char status;
    unsigned short host_status, driver_status;
    int resid;
    unsigned char sense_length;
    struct sg_io_hdr asked;
} kernel;

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    struct sg_io_hdr *io;
    va_list ap;
    void *p;

    (void)fd;
    va_start(ap, request);
    p = va_arg(ap, void *);
    va_end(ap);
    if (request == SG_GET_VERSION_NUM && kernel.scsi) {
        *(int *)p = 30536;
        return 0;
    }
    if (request != SG_IO || kernel.error) {
        errno = kernel.error ? kernel.error : ENOTTY;
        return -1;
    }
    io = p;
    kernel.asked = *io;
    io->status = kernel.status;
    io->host_status = kernel.host_status;
    io->driver_status = kernel.driver_status;
    io->resid = kernel.resid;
    io->sb_len_wr = kernel.sense_length;
    memset(io->sbp, 0x5a, kernel.sense_length);
    return 0;
}

static OdxTransport *t;
static OdxNode *node;
static OdxError err;
static uint8_t data[64];

static void setup(void)
{
    memset(&kernel, 0, sizeof(kernel));
    kernel.scsi = true;
    t = odx_sg_transport();
    ck_assert_int_eq(t->open(t, "/dev/null", ODX_WRITE, false, &node, &err),
                     0);
}

static void teardown(void)
{
    t->close(t, node);
}

static OdxCommand command(OdxDirection direction)
{
    return (OdxCommand) {
        .cdb = { 0x84, 0x07 }, .cdb_length = 16, .direction = direction,
        .data = data, .length = sizeof(data), .timeout_ms = 1234,
    };
}

START_TEST(a_command_goes_out_as_it_is)
{
    OdxCommand cmd = command(ODX_FROM_DEVICE);

    ck_assert_int_eq(t->execute(t, node, &cmd, &err), 0);
    ck_assert_int_eq(kernel.asked.interface_id, 'S');
    ck_assert_int_eq(kernel.asked.dxfer_direction, SG_DXFER_FROM_DEV);
    ck_assert_uint_eq(kernel.asked.dxfer_len, sizeof(data));
    ck_assert_uint_eq(kernel.asked.cmd_len, 16);
    ck_assert_uint_eq(kernel.asked.timeout, 1234);
    ck_assert_ptr_eq(kernel.asked.dxferp, data);
    ck_assert_uint_eq(cmd.status, 0);
    ck_assert_uint_eq(cmd.transferred, sizeof(data));
    cmd = command(ODX_TO_DEVICE);
    ck_assert_int_eq(t->execute(t, node, &cmd, &err), 0);
    ck_assert_int_eq(kernel.asked.dxfer_direction, SG_DXFER_TO_DEV);
    cmd = command(ODX_NO_DATA);
    ck_assert_int_eq(t->execute(t, node, &cmd, &err), 0);
    ck_assert_int_eq(kernel.asked.dxfer_direction, SG_DXFER_NONE);
}
END_TEST

START_TEST(status_and_sense_come_back)
{
    OdxCommand cmd = command(ODX_FROM_DEVICE);

    kernel.status = 0x02;
    kernel.driver_status = 0x08;    /* "there is sense", of older kernels */
    kernel.sense_length = 18;
    kernel.resid = sizeof(data);
    ck_assert_int_eq(t->execute(t, node, &cmd, &err), 0);
    ck_assert_uint_eq(cmd.status, 0x02);
    ck_assert_uint_eq(cmd.sense_length, 18);
    ck_assert_uint_eq(cmd.sense[17], 0x5a);
    ck_assert_uint_eq(cmd.sense[18], 0);
    ck_assert_uint_eq(cmd.transferred, 0);
}
END_TEST

static const struct {
    int resid;
    uint32_t transferred;
} residuals[] = {
    { 0, 64 }, { 1, 63 }, { 64, 0 }, { 65, 0 }, { 0x7fffffff, 0 },
    { -1, 64 },
};

START_TEST(a_residual_is_never_believed_beyond_the_buffer)
{
    OdxCommand cmd = command(ODX_FROM_DEVICE);

    kernel.resid = residuals[_i].resid;
    ck_assert_int_eq(t->execute(t, node, &cmd, &err), 0);
    ck_assert_uint_eq(cmd.transferred, residuals[_i].transferred);
}
END_TEST

static const struct {
    unsigned short host_status;
    const char *text;
} host_statuses[] = {
    { 0x01, "no connection" }, { 0x02, "busy" }, { 0x03, "timed out" },
    { 0x04, "no such target" }, { 0x05, "aborted" }, { 0x07, "internal" },
    { 0x08, "reset" }, { 0xff, "host status FFh" },
};

START_TEST(a_host_status_is_an_error_in_words)
{
    OdxCommand cmd = command(ODX_FROM_DEVICE);

    kernel.host_status = host_statuses[_i].host_status;
    ck_assert_int_eq(t->execute(t, node, &cmd, &err), -1);
    ck_assert_int_eq(err.code, ODX_IO);
    ck_assert_ptr_nonnull(strstr(err.text, host_statuses[_i].text));
    ck_assert_ptr_nonnull(strstr(err.text, "/dev/null"));
}
END_TEST

START_TEST(a_driver_status_is_an_error)
{
    OdxCommand cmd = command(ODX_FROM_DEVICE);

    kernel.driver_status = 0x06;
    ck_assert_int_eq(t->execute(t, node, &cmd, &err), -1);
    ck_assert_int_eq(err.code, ODX_IO);
}
END_TEST

START_TEST(no_permission_says_to_be_root)
{
    OdxCommand cmd = command(ODX_FROM_DEVICE);

    kernel.error = EPERM;
    ck_assert_int_eq(t->execute(t, node, &cmd, &err), -1);
    ck_assert_int_eq(err.code, ODX_IO);
    ck_assert_ptr_nonnull(strstr(err.text, "root"));
}
END_TEST

START_TEST(what_is_no_scsi_disk_is_told)
{
    OdxNode *other;

    ck_assert(t->exists(t, "/dev/null"));
    ck_assert(!t->exists(t, "/nonexistent"));
    ck_assert_int_eq(t->open(t, "/nonexistent", ODX_READ, false, &other,
                             &err), -1);
    ck_assert_int_eq(err.code, ODX_IO);
    ck_assert_int_eq(t->open(t, "/", ODX_READ, false, &other, &err), -1);
    ck_assert_int_eq(err.code, ODX_USAGE);
    kernel.scsi = false;
    ck_assert_int_eq(t->open(t, "/dev/null", ODX_WRITE, false, &other,
                             &err), -1);
    ck_assert_int_eq(err.code, ODX_CANNOT);
}
END_TEST

START_TEST(a_device_without_a_disk_has_nothing_to_settle)
{
    ck_assert_int_eq(t->settle(t, node, &err), 0);
    ck_assert(!t->in_use(t, node));
    ck_assert_uint_eq(t->size(t, node), 0);
    /* no address to be had: not known to be the same */
    ck_assert(!t->same_address(t, node, node));
}
END_TEST

/* 0, or the number of the step that went wrong; in a process of its own. */
static int signal_steps(void)
{
    uint64_t before;

    odx_sg_catch_signals();
    if (t->interrupted(t)) {
        return 1;
    }
    raise(SIGTERM);             /* blocked, hence pending */
    if (!t->interrupted(t)) {
        return 2;
    }
    before = t->now_ms(t);
    t->sleep_ms(t, 3600 * 1000);    /* the signal ends it */
    if (t->now_ms(t) - before >= 3600 * 1000 || !t->interrupted(t)) {
        return 3;
    }
    raise(SIGTERM);             /* the second one */
    t->sleep_ms(t, 3600 * 1000);
    return 4;
}

START_TEST(a_signal_is_noticed_and_the_second_ends_the_program)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        _exit(signal_steps());
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(!WIFEXITED(status), "step %d", WEXITSTATUS(status));
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGTERM);
}
END_TEST

Suite *suite_sg(void)
{
    Suite *s = suite_create("sg");
    TCase *c = tcase_create("sg");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, a_command_goes_out_as_it_is);
    tcase_add_test(c, status_and_sense_come_back);
    tcase_add_loop_test(c, a_residual_is_never_believed_beyond_the_buffer, 0,
                        sizeof(residuals) / sizeof(residuals[0]));
    tcase_add_loop_test(c, a_host_status_is_an_error_in_words, 0,
                        sizeof(host_statuses) / sizeof(host_statuses[0]));
    tcase_add_test(c, a_driver_status_is_an_error);
    tcase_add_test(c, no_permission_says_to_be_root);
    tcase_add_test(c, what_is_no_scsi_disk_is_told);
    tcase_add_test(c, a_device_without_a_disk_has_nothing_to_settle);
    tcase_add_test(c,
        a_signal_is_noticed_and_the_second_ends_the_program);
    suite_add_tcase(s, c);
    return s;
}
