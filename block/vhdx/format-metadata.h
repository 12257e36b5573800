/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The VHDX metadata region (MS-VHDX 2.6): its table, the known items, the
 * parent locator.  The rules of format.h hold here too.
 */

#ifndef BLOCK_VHDX_FORMAT_METADATA_H
#define BLOCK_VHDX_FORMAT_METADATA_H

#include "block/vhdx/format.h"

/* The table, at the start of the region; items lie behind it. */
#define VHDX_METADATA_TABLE_LEN (64 * 1024)
#define VHDX_ITEMS_MAX 2047
#define VHDX_USER_ITEMS_MAX 1024
#define VHDX_ITEM_LEN_MAX (1024 * 1024)

#define VHDX_ITEM_IS_USER 1u
#define VHDX_ITEM_IS_DISK 2u
#define VHDX_ITEM_IS_REQUIRED 4u

/* The items that this code knows. */
typedef enum VhdxItemKind {
    VHDX_ITEM_FILE_PARAMETERS,
    VHDX_ITEM_DISK_SIZE,
    VHDX_ITEM_DISK_ID,
    VHDX_ITEM_LOGICAL_SECTOR,
    VHDX_ITEM_PHYSICAL_SECTOR,
    VHDX_ITEM_PARENT_LOCATOR,
    VHDX_ITEM_KINDS,
} VhdxItemKind;

/* All but the parent locator, which has no fixed length, fit in this. */
#define VHDX_ITEM_FIXED_MAX 16

typedef struct VhdxItem {
    Guid id;
    uint32_t offset;            /* from the start of the region */
    uint32_t length;
    uint32_t flags;
    uint32_t reserved;          /* kept as it was read */
} VhdxItem;

/*
 * Items in the order of the table, unknown optional ones among them: to
 * encode the table again keeps every one of them byte for byte.
 */
typedef struct VhdxMetadataTable {
    VhdxItem *item;             /* room for VHDX_ITEMS_MAX */
    unsigned n;
    int known[VHDX_ITEM_KINDS]; /* index, or -1 */
} VhdxMetadataTable;

/*
 * Decode the table of the region at @at, @region_length bytes long.  Checks:
 * signature, counts (all, user), of each item flags, id not zero and unique
 * with IsUser, place and length (inside the region, behind the table,
 * disjoint, at most 1 MiB), no required item unknown, the five items there
 * that every file has, and that the file's creation was completed.  Free the
 * table with vhdx_metadata_destroy().
 */
bool vhdx_metadata_decode(const uint8_t *buf, size_t len, uint64_t at,
                          uint64_t region_length, VhdxMetadataTable *table,
                          VhdxError *err);

/* Fill @buf (VHDX_METADATA_TABLE_LEN). */
void vhdx_metadata_encode(uint8_t *buf, const VhdxMetadataTable *table);

/* An empty table, to be filled with vhdx_metadata_place(). */
void vhdx_metadata_init(VhdxMetadataTable *table);
void vhdx_metadata_destroy(VhdxMetadataTable *table);

/* The known item of @kind, or NULL. */
const VhdxItem *vhdx_metadata_find(const VhdxMetadataTable *table,
                                   VhdxItemKind kind);

/*
 * Give the known item @kind @length bytes, not 0, in a region of
 * @region_length: its former place if that is large enough, else the first
 * gap that is.  The table changes, no item moves but this one; its content
 * is to be written to the place that vhdx_metadata_find() gives.  False, and
 * nothing changed, if there is no gap or no entry left.
 */
bool vhdx_metadata_place(VhdxMetadataTable *table, VhdxItemKind kind,
                         uint32_t length, uint64_t region_length,
                         VhdxError *err);

/* Take the known item @kind out of the table, if it is there. */
void vhdx_metadata_remove(VhdxMetadataTable *table, VhdxItemKind kind);

/* ---- the known items but the locator (2.6.2.1 to 2.6.2.5) ---- */

typedef struct VhdxParams {
    uint32_t block_size;
    bool leave_allocated;       /* fixed; means nothing with a parent */
    bool has_parent;
    uint64_t disk_size;
    Guid disk_id;
    uint32_t logical_sector;
    uint32_t physical_sector;
} VhdxParams;

/*
 * Take the item @kind (not the locator) into @params.  Checks its length,
 * reserved bits, and legal sector sizes; other values are checked together,
 * by vhdx_params_check().  @at: where in the file the item is.
 */
bool vhdx_params_decode(VhdxParams *params, VhdxItemKind kind,
                        const uint8_t *buf, size_t len, uint64_t at,
                        VhdxError *err);

/* Write the item to @buf (VHDX_ITEM_FIXED_MAX); returns its length. */
size_t vhdx_params_encode(const VhdxParams *params, VhdxItemKind kind,
                          uint8_t *buf);

/*
 * All items of @table but the locator are in @params: check that sizes are
 * legal together and that a locator is there exactly if there is a parent;
 * compute the geometry.  @at: the metadata region.
 */
bool vhdx_params_check(const VhdxParams *params,
                       const VhdxMetadataTable *table, uint64_t at,
                       VhdxGeometry *geo, VhdxError *err);

/*
 * The start of a new region of @region_length: table and items of @params,
 * and the locator if @locator_len is not 0.  Bytes up to *@image_len; the
 * rest of the region is 0.  NULL if it does not fit; g_free() it.
 */
uint8_t *vhdx_metadata_create(const VhdxParams *params,
                              const uint8_t *locator, size_t locator_len,
                              uint64_t region_length, size_t *image_len,
                              VhdxError *err);

/* ---- parent locator (2.6.2.6) ---- */

extern const Guid vhdx_locator_type;

#define VHDX_LOCATOR_PAIRS_MAX 256

/* Keys of this type of locator, all of them case-sensitive. */
#define VHDX_KEY_LINKAGE "parent_linkage"
#define VHDX_KEY_LINKAGE2 "parent_linkage2"
#define VHDX_KEY_RELATIVE "relative_path"
#define VHDX_KEY_VOLUME "volume_path"
#define VHDX_KEY_ABSOLUTE "absolute_win32_path"

typedef struct VhdxLocatorPair {
    char *key;                  /* UTF-8 */
    char *value;
} VhdxLocatorPair;

/* Pairs in the order of the item, those of unknown keys among them. */
typedef struct VhdxLocator {
    VhdxLocatorPair *pair;
    unsigned n;
    Guid linkage;
    Guid linkage2;              /* zero if there is none */
} VhdxLocator;

/*
 * Checks: type, count, place and length of each key and value (inside the
 * item, not empty, their sum not above the item's length), well-formed text,
 * keys unique, linkages are GUIDs in braces, a linkage there, a path there.
 * Free it with vhdx_locator_destroy().
 */
bool vhdx_locator_decode(const uint8_t *buf, size_t len, uint64_t at,
                         VhdxLocator *locator, VhdxError *err);

/*
 * The item; g_free() it.  NULL if a text is not UTF-8, empty or too long, or
 * there are too many pairs, or no linkage or path: what could not be decoded.
 */
uint8_t *vhdx_locator_encode(const VhdxLocator *locator, size_t *len,
                             VhdxError *err);

void vhdx_locator_init(VhdxLocator *locator, const Guid *linkage);
void vhdx_locator_destroy(VhdxLocator *locator);

/* The value of @key, or NULL. */
const char *vhdx_locator_get(const VhdxLocator *locator, const char *key);

/* Set @key to a copy of @value; NULL removes it. */
void vhdx_locator_set(VhdxLocator *locator, const char *key,
                      const char *value);

/* Set a linkage and its text; for linkage2, NULL or zero removes it. */
void vhdx_locator_set_linkage(VhdxLocator *locator, const Guid *linkage);
void vhdx_locator_set_linkage2(VhdxLocator *locator, const Guid *linkage2);

/* Whether a parent with this current DataWriteGuid is the right one. */
bool vhdx_locator_matches(const VhdxLocator *locator,
                          const Guid *data_write_guid);

#endif /* BLOCK_VHDX_FORMAT_METADATA_H */
