/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The identification CSCD descriptor (type E4h, SPC-4 6.6.5.6), which both
 * EXTENDED COPY and the ROD token contain.  Private to the wire codec.
 */

#ifndef HW_VSCSI_WIRE_CSCD_H
#define HW_VSCSI_WIRE_CSCD_H

/* Write the 32 bytes of the descriptor. */
void wire_cscd_encode(const VscsiCscd *cscd, uint8_t *buf);
/*
 * Read 32 bytes whose type code was checked.  False: DESIGNATOR LENGTH is
 * over 20.
 */
bool wire_cscd_decode(VscsiCscd *cscd, const uint8_t *buf);

#endif /* HW_VSCSI_WIRE_CSCD_H */
