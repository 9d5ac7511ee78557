"""Charts as SVG text, coloured by the page's own style sheet, so that they follow dark and light and print."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from edge.datatypes import F64

Point = tuple[float, float]
_WIDTH, _HEIGHT = 560, 300
_LEFT, _RIGHT, _TOP, _FOOT = 66, 14, 12, 40


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a chart; ``style`` is a class of the style sheet (c0 to c5, ``rule``), ``band`` a filled outline around it."""

    name: str
    points: Sequence[Point]
    style: str = "c0"
    band: Sequence[Point] = ()
    has_dots: bool = False


def draw_chart(
    title: str, curves: Sequence[Curve], x: tuple[str, float, float], y: tuple[str, float, float], marks: Mapping[str, float] | None = None
) -> str:
    """Return a chart of lines with its legend; ``x`` and ``y`` are name, least and most, ``marks`` upright lines by their names."""

    def at(point: Point) -> str:
        (_, x0, x1), (_, y0, y1) = x, y
        across = _LEFT + (min(max(point[0], x0), x1) - x0) / (x1 - x0) * (_WIDTH - _LEFT - _RIGHT)
        down = _HEIGHT - _FOOT - (min(max(point[1], y0), y1) - y0) / (y1 - y0) * (_HEIGHT - _TOP - _FOOT)
        return f"{across:.1f},{down:.1f}"

    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">']
    for value in np.linspace(x[1], x[2], 6):
        across = at((value, y[1])).split(",")[0]
        parts.append(
            f'<text class="tick" x="{across}" y="{_HEIGHT - _FOOT + 16}" text-anchor="middle">{_number(value, x[2] - x[1])}</text>'
        )
    for value in np.linspace(y[1], y[2], 6):
        down = at((x[1], value)).split(",")[1]
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{down}" y2="{down}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 6}" y="{float(down) + 4:.1f}" text-anchor="end">{_number(value, y[2] - y[1])}</text>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text class="axis" x="{middle:.0f}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(x[0])}</text>')
    half = (_TOP + _HEIGHT - _FOOT) / 2
    parts.append(f'<text class="axis" transform="translate(13 {half:.0f}) rotate(-90)" text-anchor="middle">{escape(y[0])}</text>')
    for name, value in (marks or {}).items():
        across = at((value, y[1])).split(",")[0]
        parts.append(f'<line class="mark" x1="{across}" x2="{across}" y1="{_TOP}" y2="{_HEIGHT - _FOOT}"/>')
        parts.append(
            f'<text class="tick" transform="translate({float(across) - 4:.1f} {_TOP + 4}) rotate(-90)" text-anchor="end">'
            f"{escape(name)}</text>"
        )
    for curve in curves:
        if curve.band:
            parts.append(f'<polygon class="band {curve.style}" points="{" ".join(at(p) for p in curve.band)}"/>')
        parts.append(f'<polyline class="{curve.style}" points="{" ".join(at(p) for p in curve.points)}"/>')
        if curve.has_dots:
            dots = (at(p).split(",") for p in curve.points)
            parts += [f'<circle class="{curve.style}" cx="{cx}" cy="{cy}" r="3.5"/>' for cx, cy in dots]
    named = "".join(f'<span><i class="{c.style}"></i>{escape(c.name)}</span>' for c in curves if c.name)
    return "".join(parts) + f'</svg><p class="legend">{named}</p>'


def draw_matrix(title: str, names: Sequence[str], counts: F64) -> str:
    """Return a table of counts (what stands there, what was read) as squares; shade is the share of the row, zeros stay empty."""
    size, side = 30, 46
    whole = side + size * len(names)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    widest = f"max-width:{whole * 1.15:.0f}px"
    parts = [
        '<div class="matrix">',
        f'<svg viewBox="0 0 {whole} {whole}" role="img" aria-label="{escape(title)}" style="{widest}">',
    ]
    parts.append(f'<text class="axis" x="{side + size * len(names) / 2:.0f}" y="13" text-anchor="middle">read</text>')
    parts.append(
        f'<text class="axis" transform="translate(13 {side + size * len(names) / 2:.0f}) rotate(-90)" text-anchor="middle">label</text>'
    )
    for place, name in enumerate(names):
        middle = side + size * (place + 0.5)
        parts.append(f'<text class="tick" x="{middle}" y="{side - 8}" text-anchor="middle">{escape(name)}</text>')
        parts.append(f'<text class="tick" x="{side - 10}" y="{middle + 4}" text-anchor="middle">{escape(name)}</text>')
    for row in range(len(names)):
        for column in range(len(names)):
            x, y, n = side + size * column, side + size * row, int(counts[row, column])
            kind = "right" if row == column else "wrong"
            # Errors are few: their shade grows with the root of their share, else none would be seen.
            shade = shares[row, column] if row == column else min(1.0, 4 * shares[row, column] ** 0.5)
            parts.append(f'<rect class="cell {kind}" x="{x}" y="{y}" width="{size - 1}" height="{size - 1}" fill-opacity="{shade:.3f}"/>')
            if n:
                shown = "count on" if shade > 0.6 else "count"
                parts.append(f'<text class="{shown}" x="{x + size / 2 - 0.5}" y="{y + size / 2 + 3}" text-anchor="middle">{n}</text>')
    return "".join(parts) + "</svg></div>"


def _number(value: float, span: float) -> str:
    value += 0.0  # a negative zero is zero
    return f"{value:.0f}" if span >= 10 else f"{value:.2f}" if span < 1.0 else f"{value:.1f}"
