/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What more than one encoder of the wire codec has to say in the same
 * words.  Private to the wire codec.
 */

#ifndef HW_VSCSI_WIRE_DISCOVERY_H
#define HW_VSCSI_WIRE_DISCOVERY_H

/* Segment and CSCD descriptor type codes that are supported, ascending. */
#define WIRE_XCOPY_TYPES_LEN 3
extern const uint8_t wire_xcopy_types[WIRE_XCOPY_TYPES_LEN];

/* Whether a table's entry is one of the commands that are on. */
bool wire_opcode_is_on(const VscsiOpcode *entry, uint32_t features);

#endif /* HW_VSCSI_WIRE_DISCOVERY_H */
