/*
 * The IDE emulation knows no third-party copy (DESIGN, invariant 8)
 *
 * 83h and 84h as PACKET commands to a CD drive end in ILLEGAL REQUEST, INVALID
 * COMMAND OPERATION CODE; a hard disk aborts PACKET itself.  Primary channel,
 * by programmed I/O.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "libqtest.h"

#define PORT            0x1f0
#define REG_DATA        (PORT + 0)
#define REG_ERROR       (PORT + 1)
#define REG_FEATURES    (PORT + 1)
#define REG_LBA_MID     (PORT + 4)
#define REG_LBA_HIGH    (PORT + 5)
#define REG_DEVICE      (PORT + 6)
#define REG_STATUS      (PORT + 7)
#define REG_COMMAND     (PORT + 7)

#define STATUS_ERR      0x01
#define STATUS_DRQ      0x08
#define STATUS_BSY      0x80
#define ERROR_ABRT      0x04

#define CMD_PACKET      0xa0
#define PACKET_LEN      12

static uint8_t wait_idle(QTestState *qts)
{
    uint8_t status;

    do {
        status = qtest_inb(qts, REG_STATUS);
    } while (status & STATUS_BSY);
    return status;
}

/* Send a packet, take up to @len bytes; returns sense key << 4 and flags */
static uint8_t packet(QTestState *qts, const uint8_t *cdb, uint8_t *in,
                      size_t len)
{
    size_t at = 0;
    uint8_t status;

    qtest_outb(qts, REG_DEVICE, 0xa0);
    qtest_outb(qts, REG_FEATURES, 0);
    qtest_outb(qts, REG_LBA_MID, 0x00);
    qtest_outb(qts, REG_LBA_HIGH, 0x08);
    qtest_outb(qts, REG_COMMAND, CMD_PACKET);
    status = wait_idle(qts);
    g_assert_cmphex(status & (STATUS_DRQ | STATUS_ERR), ==, STATUS_DRQ);
    for (int i = 0; i < PACKET_LEN; i += 2) {
        qtest_outw(qts, REG_DATA, cdb[i] | cdb[i + 1] << 8);
    }
    while ((status = wait_idle(qts)) & STATUS_DRQ) {
        uint16_t word = qtest_inw(qts, REG_DATA);

        if (at + 2 <= len) {
            in[at] = word;
            in[at + 1] = word >> 8;
        }
        at += 2;
    }
    return status & STATUS_ERR ? qtest_inb(qts, REG_ERROR) : 0;
}

static QTestState *start_cd(void)
{
    QTestState *qts = qtest_init("-nodefaults -blockdev driver=null-co,"
                                 "node-name=cd,size=1048576,read-zeroes=on "
                                 "-device ide-cd,bus=ide.0,unit=0,drive=cd");
    const uint8_t ready[PACKET_LEN] = { 0x00 };

    /* power on, medium changed */
    for (int i = 0; i < 4 && packet(qts, ready, NULL, 0); i++) {
        /* each ends one unit attention */
    }
    return qts;
}

static void refused_by_cd(uint8_t opcode, uint8_t sa)
{
    QTestState *qts = start_cd();
    const uint8_t cdb[PACKET_LEN] = { opcode, sa, [9] = 64, [11] = 64 };
    const uint8_t request_sense[PACKET_LEN] = { 0x03, [4] = 18 };
    uint8_t sense[18] = {};

    g_assert_cmphex(packet(qts, cdb, NULL, 0) >> 4, ==, 0x5);
    g_assert_cmphex(packet(qts, request_sense, sense, sizeof(sense)), ==, 0);
    g_assert_cmphex(sense[2] & 0xf, ==, 0x5);
    g_assert_cmphex(sense[12], ==, 0x20);
    g_assert_cmphex(sense[13], ==, 0x00);
    qtest_quit(qts);
}

static void test_cd_refuses(const void *opaque)
{
    uint16_t code = (uintptr_t)opaque;

    refused_by_cd(code >> 8, code & 0xff);
}

/* The same path serves what a CD drive has: the test tells the two apart */
static void test_cd_serves_inquiry(void)
{
    QTestState *qts = start_cd();
    const uint8_t inquiry[PACKET_LEN] = { 0x12, [4] = 36 };
    uint8_t data[36] = {};

    g_assert_cmphex(packet(qts, inquiry, data, sizeof(data)), ==, 0);
    g_assert_cmphex(data[0] & 0x1f, ==, 0x05);
    /* no 3PC */
    g_assert_cmphex(data[5] & 0x08, ==, 0);
    qtest_quit(qts);
}

static void test_cd_has_no_page_8f(void)
{
    QTestState *qts = start_cd();
    const uint8_t pages[PACKET_LEN] = { 0x12, 1, 0x00, [4] = 64 };
    const uint8_t page[PACKET_LEN] = { 0x12, 1, 0x8f, [4] = 255 };
    uint8_t data[64] = {};

    g_assert_cmphex(packet(qts, pages, data, sizeof(data)), ==, 0);
    for (int i = 0; i < data[3]; i++) {
        g_assert_cmphex(data[4 + i], !=, 0x8f);
    }
    g_assert_cmphex(packet(qts, page, NULL, 0) >> 4, ==, 0x5);
    qtest_quit(qts);
}

static void test_disk_aborts_packet(void)
{
    QTestState *qts = qtest_init("-nodefaults -blockdev driver=null-co,"
                                 "node-name=hd,size=1048576,read-zeroes=on "
                                 "-device ide-hd,bus=ide.0,unit=0,drive=hd");

    qtest_outb(qts, REG_DEVICE, 0xa0);
    qtest_outb(qts, REG_FEATURES, 0);
    qtest_outb(qts, REG_COMMAND, CMD_PACKET);
    g_assert_cmphex(wait_idle(qts) & (STATUS_ERR | STATUS_DRQ), ==,
                    STATUS_ERR);
    g_assert_cmphex(qtest_inb(qts, REG_ERROR) & ERROR_ABRT, ==, ERROR_ABRT);
    qtest_quit(qts);
}

/* 83h and 84h are no ATA commands either */
static void test_disk_aborts_opcodes(void)
{
    QTestState *qts = qtest_init("-nodefaults -blockdev driver=null-co,"
                                 "node-name=hd,size=1048576,read-zeroes=on "
                                 "-device ide-hd,bus=ide.0,unit=0,drive=hd");

    for (int opcode = 0x83; opcode <= 0x84; opcode++) {
        qtest_outb(qts, REG_DEVICE, 0xa0);
        qtest_outb(qts, REG_COMMAND, opcode);
        g_assert_cmphex(wait_idle(qts) & STATUS_ERR, ==, STATUS_ERR);
        g_assert_cmphex(qtest_inb(qts, REG_ERROR) & ERROR_ABRT, ==,
                        ERROR_ABRT);
    }
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        uint16_t code;
    } commands[] = {
        { "extended-copy", 0x8300 },
        { "populate-token", 0x8310 },
        { "write-using-token", 0x8311 },
        { "copy-operation-abort", 0x831c },
        { "receive-copy-status-lid1", 0x8400 },
        { "receive-copy-parameters", 0x8403 },
        { "receive-copy-failure-details", 0x8404 },
        { "receive-copy-status-lid4", 0x8405 },
        { "receive-rod-token-information", 0x8407 },
        { "report-all-rod-tokens", 0x8408 },
        { "report-supported-opcodes", 0xa30c },
    };

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        g_autofree char *path = g_strdup_printf("/vscsi/atapi/cd-refuses/%s",
                                                commands[i].path);

        qtest_add_data_func(path, (void *)(uintptr_t)commands[i].code,
                            test_cd_refuses);
    }
    qtest_add_func("/vscsi/atapi/cd-serves-inquiry", test_cd_serves_inquiry);
    qtest_add_func("/vscsi/atapi/cd-has-no-page-8f", test_cd_has_no_page_8f);
    qtest_add_func("/vscsi/atapi/disk-aborts-packet", test_disk_aborts_packet);
    qtest_add_func("/vscsi/atapi/disk-aborts-opcodes",
                   test_disk_aborts_opcodes);
    return g_test_run();
}
