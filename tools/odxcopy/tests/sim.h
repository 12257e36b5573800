/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A simulated SCSI target with a copy manager, in this process, behind
 * odxcopy's transport table.
 *
 * Disks live in memory.  A token holds a copy of its data as of POPULATE
 * TOKEN, so that mixed data cannot pass for right data.  The clock moves only
 * when the program sleeps.  Faults are a list: "at the Nth command of this
 * kind, do that".
 */
#ifndef ODXCOPY_SIM_H
#define ODXCOPY_SIM_H

#include "transport.h"

#define SIM_DISKS 3
#define SIM_TOKENS 512
#define SIM_FAULTS 16

typedef struct SimDisk {
    const char *path;           /* NULL: no such disk */
    uint32_t block_length;
    uint64_t blocks;
    uint8_t *data;
    uint8_t peripheral;         /* INQUIRY byte 0 */
    uint64_t naa;               /* 0: no designator */
    bool third_party;           /* 3PC */
    bool page_8f;               /* listed in page 00h */
    bool rod_limits;            /* descriptor 0000h is there */
    bool lists_commands;        /* descriptor 0001h has PT, WUT, RRTI */
    bool block_features;        /* descriptor 0106h is there */
    uint32_t rod_types;         /* accepted, by 0108h; 0: no such list */
    unsigned page_8f_padding;   /* bytes of a vendor descriptor in it */
    uint16_t max_ranges;
    uint32_t max_inactivity;
    uint64_t max_token_blocks, optimal_blocks, max_rod_bytes;
    uint32_t max_transfer_blocks;   /* Block Limits */
    bool held;                  /* mounted by someone */
    bool no_cache_command;      /* SYNCHRONIZE CACHE: 5/20/00 */
    uint64_t name_bytes;        /* what the name covers; 0: not known */
} SimDisk;

typedef struct SimToken {
    uint8_t bytes[512];
    uint8_t *data;              /* of the source, at POPULATE TOKEN */
    uint64_t length;            /* bytes */
    uint16_t dead_asc;          /* 0: alive; else the answer, 23/xx */
} SimToken;

/* One operation by list identifier; only the last few are kept. */
typedef struct SimOperation {
    bool used, running, discarded;
    uint32_t list_id;
    uint8_t sa, status;
    SimDisk *disk;
    uint64_t asked, count;      /* blocks */
    uint64_t moved;             /* of a running one: already written */
    uint64_t start_ms;
    bool has_sense;
    uint8_t key;
    uint16_t asc;
    SimToken *token;
    uint64_t rod_offset;        /* bytes */
    struct { uint64_t lba; uint32_t blocks; } ranges[1024];
    unsigned n_ranges;
    bool delete_token;
} SimOperation;

#define SIM_OPERATIONS 8

typedef enum SimFaultKind {
    SIM_SENSE,          /* @key, @asc instead of running the command */
    SIM_STATUS,         /* SAM status @value instead of running it */
    SIM_TRANSPORT,      /* execute() fails */
    SIM_PARTIAL,        /* PT, WUT: @value blocks, then A/0D/04 + INFO */
    SIM_PARTIAL_QUIET,  /* the same, but GOOD and status 03 */
    SIM_PARTIAL_NOINFO, /* as SIM_PARTIAL, but INFORMATION not VALID, 0 */
    SIM_REVOKE,         /* all tokens end with @asc, then the command runs */
    SIM_SHORT,          /* runs, but only @value bytes arrive */
    SIM_BYTE,           /* runs, then byte @value of the data becomes @key */
    SIM_REVOKE_LARGE,   /* those of more than @value bytes end */
    SIM_INTERRUPT,      /* the user presses Ctrl-C, then the command runs */
    SIM_WRITE_SOURCE,   /* someone fills disk 0 with @key, then it runs */
    SIM_FORGET,         /* all results are discarded, then it runs */
    SIM_RESIZE,         /* disk 0's limit max_token_blocks becomes @value */
    SIM_SCRIBBLE,       /* runs, then flips the first byte of disk 1 + @value */
} SimFaultKind;

typedef struct SimFault {
    uint8_t opcode;
    int sa;             /* or INQUIRY's page, 100h: none; -1: any */
    unsigned nth;       /* 1: the first; 0: each */
    SimFaultKind kind;
    uint8_t key;
    uint16_t asc;
    uint64_t value;
    unsigned seen;      /* the simulation's count */
} SimFault;

typedef struct Sim {
    OdxTransport transport;     /* must be first */
    SimDisk disks[SIM_DISKS];
    SimToken tokens[SIM_TOKENS];
    unsigned n_tokens;
    SimOperation operations[SIM_OPERATIONS];
    unsigned next_operation;
    SimFault faults[SIM_FAULTS];
    unsigned n_faults;

    uint64_t now_ms;
    uint64_t blocks_per_ms;     /* of IMMED operations; 0: never done */
    uint32_t delay_ms;          /* ESTIMATED STATUS UPDATE DELAY */
    bool interrupted;
    uint64_t interrupt_at_ms;   /* 0: never */
    bool abort_ignored;         /* COA: GOOD, but nothing stops */
    uint64_t seed;              /* not 0: answers are garbled at random */
    uint64_t random_state;      /* starts as the seed */

    /* what happened */
    unsigned commands;          /* all */
    unsigned populates, infos, aborts, reads, flushes, settles;
    unsigned writes;            /* WRITE USING TOKEN of at least a block */
    uint32_t first_list_id;     /* of the first POPULATE or WRITE */
    uint32_t last_inactivity;
    unsigned last_ranges;       /* descriptors in the last PT or WUT */
    unsigned deleted_tokens;
    unsigned longest_sleep_ms;
    unsigned open_nodes;
} Sim;

/* Two equal disks "/dev/src" and "/dev/dst" with all that is needed. */
void sim_init(Sim *sim, uint32_t block_length, uint64_t blocks);
void sim_free(Sim *sim);
/* Gives disk @i another geometry; its data becomes the usual pattern. */
void sim_reshape(Sim *sim, unsigned i, uint32_t block_length,
                 uint64_t blocks);
void sim_fault(Sim *sim, SimFault fault);
/* The byte that disk @i holds at @at before anything is copied. */
uint8_t sim_pattern(unsigned i, uint64_t at);
unsigned sim_live_tokens(const Sim *sim);

/* For the simulation's own files. */
void sim_sense(OdxCommand *cmd, uint8_t key, uint16_t asc, bool info_valid,
               uint32_t info);
void sim_give(OdxCommand *cmd, const uint8_t *data, size_t length);
void sim_inquiry(SimDisk *d, OdxCommand *cmd);
void sim_third_party_out(Sim *sim, SimDisk *disk, OdxCommand *cmd,
                         const SimFault *partial);
void sim_third_party_in(Sim *sim, SimDisk *disk, OdxCommand *cmd);

#endif
