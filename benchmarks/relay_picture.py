"""The relay benchmark as a picture: one panel for each measure, one bar for each relay, the range as a thin line."""

import statistics
from collections.abc import Callable, Mapping
from html import escape

WIDTH, BAR, GAP, LABEL = 720, 16, 6, 130
MOST = 3.0
"""Where the scale ends: beyond it a bar is cut, and only its number tells."""
OURS, PEER, LINE, TEXT = "#2a7f62", "#9aa5b1", "#333333", "#222222"

Ratios = Callable[..., list[float]]


def draw(samples: Mapping[str, Mapping[str, list[float]]], measures: Mapping[str, str], ratios: Ratios) -> str:
    """An SVG of the ratios to HAProxy's default."""
    parts: list[str] = []
    top = 40
    for measured, title in measures.items():
        bars = [(name, among) for name in samples if (among := ratios(samples, name, measured))]
        if bars:
            top = _panel(parts, top, f"{title}, as a ratio to HAProxy's default", bars)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" font-family="sans-serif" font-size="12">'
        f'<rect width="100%" height="100%" fill="white"/>'
        f'<text x="10" y="22" font-size="15" fill="{TEXT}">The relay and its peers (median of repeats, range as a line)</text>'
    )
    return head + "".join(parts) + "</svg>\n"


def _panel(parts: list[str], top: int, title: str, bars: list[tuple[str, list[float]]]) -> int:
    """One measure; returns where the next panel begins."""
    longest = min(MOST, max(max(among) for _, among in bars))
    scale = (WIDTH - LABEL - 90) / longest
    parts.append(f'<text x="10" y="{top + 12}" font-weight="bold" fill="{TEXT}">{escape(title)}</text>')
    top += 22
    one = LABEL + scale
    parts.append(
        f'<line x1="{one:.1f}" x2="{one:.1f}" y1="{top - 4}" y2="{top + len(bars) * (BAR + GAP)}" '
        f'stroke="{LINE}" stroke-dasharray="3 3"/>'
    )
    for name, among in bars:
        middle = statistics.median(among)
        low, high, end = (LABEL + min(MOST, value) * scale for value in (min(among), max(among), middle))
        y = top + BAR / 2
        colour = OURS if name.startswith("gate") else PEER
        parts.append(
            f'<text x="{LABEL - 8}" y="{top + 12}" text-anchor="end" fill="{TEXT}">{escape(name)}</text>'
            f'<rect x="{LABEL}" y="{top}" width="{end - LABEL:.1f}" height="{BAR}" fill="{colour}"/>'
            f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}" stroke="{LINE}" stroke-width="1.5"/>'
            f'<text x="{high + 6:.1f}" y="{top + 12}" fill="{TEXT}">{middle:.2f}{" (cut)" if middle > MOST else ""}</text>'
        )
        top += BAR + GAP
    return top + 14
