# SPDX-License-Identifier: GPL-2.0-or-later
"""Draws a horizontal bar chart on a logarithmic axis, as SVG text."""

from html import escape
from math import ceil, floor, log10

WIDTH = 820
LEFT = 190
RIGHT = 130
TOP = 74
BAR = 20
GAP = 18
COLOURS = ('#b0612f', '#2f6fb0', '#4f8f3f')
FONT = 'font-family="DejaVu Sans, Helvetica, Arial, sans-serif"'


def _text(x, y, text, anchor='start', size=13, weight='normal'):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {FONT} '
            f'font-size="{size}" font-weight="{weight}" fill="#222">'
            f'{escape(text)}</text>')


def bars(title, axis, series, groups):
    """Returns the SVG of a chart.

    series: names, one bar in each group.  groups: (label, values, notes);
    a note stands behind its bar.  All values must be above 0.
    """
    values = [v for _, row, _ in groups for v in row]
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    high = max(high, low + 1)
    span = WIDTH - LEFT - RIGHT
    group_height = BAR * len(series) + GAP
    bottom = TOP + group_height * len(groups)

    def x_of(value):
        return LEFT + span * (log10(value) - low) / (high - low)

    height = bottom + 56
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
           f'height="{height}" viewBox="0 0 {WIDTH} {height}">',
           f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
           _text(20, 28, title, size=16, weight='bold')]
    x = LEFT
    for n, name in enumerate(series):
        out.append(f'<rect x="{x}" y="44" width="12" height="12" '
                   f'fill="{COLOURS[n]}"/>')
        out.append(_text(x + 18, 55, name))
        x += 40 + 8 * len(name)
    for power in range(low, high + 1):
        x = x_of(10 ** power)
        out.append(f'<line x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" '
                   f'y2="{bottom}" stroke="#ccc"/>')
        out.append(_text(x, bottom + 18, f'{10.0 ** power:g}', 'middle'))
    out.append(_text(LEFT + span / 2, bottom + 42, axis, 'middle'))
    for g, (label, row, notes) in enumerate(groups):
        y = TOP + g * group_height
        out.append(_text(LEFT - 12, y + BAR * len(row) / 2 + 5, label, 'end'))
        for n, value in enumerate(row):
            width = max(1.0, x_of(value) - LEFT)
            out.append(f'<rect x="{LEFT}" y="{y + n * BAR}" '
                       f'width="{width:.1f}" height="{BAR - 3}" '
                       f'fill="{COLOURS[n]}"/>')
            out.append(_text(LEFT + width + 6, y + n * BAR + 13, notes[n],
                             size=12))
    out.append('</svg>')
    return '\n'.join(out) + '\n'
