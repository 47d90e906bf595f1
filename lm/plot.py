"""Line charts as SVG, written with the standard library alone.

Ticks stand at 1, 2 or 5 times a power of ten (Heckbert 1990, "Nice numbers for graph labels"). The series differ in
colour (after Okabe and Ito 2008, which colour-blind readers can tell apart), in dashes and in markers, so that a chart
also reads in black and white; it brings its own white ground for dark pages, and a description for screen readers.
"""

from __future__ import annotations

import html
import itertools
import math
import os
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

WIDTH, HEIGHT = 720, 420
_TOP, _BOTTOM = 48, HEIGHT - 58
_POINTS = 1000
"""A longer series is thinned to about so many points; the plot is some 500 pixels wide."""
_LETTER = 6.6
"""Assumed pixels per letter at 12 px; a system font cannot be measured here."""
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#b34d8a", "#222222", "#b87a00", "#3a9bdc", "#7a5bb5")
_DASHES = ("", "8 4", "2 3", "10 3 2 3", "14 5", "5 2", "9 3 2 3 2 3", "1 5")
_MARKERS = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "M-3.5-3.5h7v7h-7z",
    "M0-4.5l4.3 7.8h-8.6z",
    "M0-5l5 5-5 5-5-5z",
    "M0 4.5l4.3-7.8h-8.6z",
    "M-1.5-4.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z",
    "M0-4.6l4.4 3.2-1.7 5.1h-5.4l-1.7-5.1z",
    "M-4.5-2h9v4h-9z",
)
_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """One line: `y` over `x`, equally many, `x` never falling. A point that is not finite, or not above 0 where its
    axis is logarithmic, leaves a gap."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class _Axis:
    """A scale from values to pixels; `low` and `high` are decimal logarithms where `log` is set."""

    low: float
    high: float
    log: bool
    start: float
    end: float
    ticks: list[tuple[float, str]]

    def pixel(self, value: float) -> float:
        share = ((math.log10(value) if self.log else value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def line_chart(
    series: Sequence[Series], *, title: str, x_label: str, y_label: str, log_y: bool = False, log_x: bool = False
) -> str:
    """An SVG document of up to eight lines. The same input gives the same text.

    ValueError if there are no series or too many, one of them is empty or of unequal lengths, x falls, or no point
    can be drawn.
    """
    if not 1 <= len(series) <= len(_COLOURS):
        raise ValueError(f"there are {len(series)} series; a chart shows 1 to {len(_COLOURS)}")
    lines = [_runs(one, log_x, log_y) for one in series]
    points = [point for runs in lines for run in runs for point in run]
    if not points:
        raise ValueError(f"no point of {title!r} can be drawn; its values are not finite, or not above 0 on a log axis")
    y_axis = _axis([y for _, y in points], log_y, _BOTTOM, _TOP, whole=True)
    left = 40 + _LETTER * max(len(label) for _, label in y_axis.ticks)
    names = [_shorten(one.name, 26) for one in series]
    right = WIDTH - 64 - _LETTER * max(len(name) for name in names)
    x_axis = _axis([x for x, _ in points], log_x, left, right, whole=False)
    parts = [_head(series, lines, title, x_label, y_label), _frame(x_axis, y_axis)]
    parts += [
        f'<text x="{WIDTH / 2}" y="26" font-size="15" font-weight="600">{_text(_shorten(title, 68))}</text>',
        f'<text x="{(left + right) / 2:.1f}" y="{HEIGHT - 16}">{_text(_shorten(x_label, 70))}</text>',
        f'<text transform="translate(18 {(_TOP + _BOTTOM) / 2:.1f}) rotate(-90)">{_text(_shorten(y_label, 46))}</text>',
    ]
    for number, (runs, name) in enumerate(zip(lines, names, strict=True)):
        placed = [[(x_axis.pixel(x), y_axis.pixel(y)) for x, y in run] for run in runs]
        parts += [_line(placed, number), _legend(name, number, right + 14)]
    return "\n".join([*parts, "</svg>"]) + "\n"


def save_chart(path: Path, svg: str) -> None:
    """Write `path` so that a crash leaves the old file or the new one, whole; its folder is made where missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    with temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.write(svg)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _runs(series: Series, log_x: bool, log_y: bool) -> list[list[Point]]:
    """The points between gaps; of a long series the lowest and the highest of each bin, and both ends."""
    if not len(series.x) or len(series.x) != len(series.y):
        raise ValueError(f"series {series.name!r} has {len(series.x)} x and {len(series.y)} y; equally many are needed")
    points = [
        (float(x), float(y)) if _drawable(x, log_x) and _drawable(y, log_y) else None
        for x, y in zip(series.x, series.y, strict=True)
    ]
    drawn = [number for number, point in enumerate(points) if point]
    known = [point[0] for point in points if point]
    if any(after < before for before, after in itertools.pairwise(known)):
        raise ValueError(f"x of series {series.name!r} falls; sort its points by x")
    size = math.ceil(2 * len(points) / _POINTS) if len(points) > _POINTS else 1
    runs: list[list[Point]] = [[]]
    for first in range(0, len(points), size):
        last = min(first + size, len(points))
        bin_ = {number: point for number in range(first, last) if (point := points[number])}
        if bin_:
            heights = {number: y for number, (_, y) in bin_.items()}
            kept = {min(heights, key=heights.__getitem__), max(heights, key=heights.__getitem__)}
            runs[-1] += [bin_[number] for number in sorted(kept | {drawn[0], drawn[-1]} & heights.keys())]
        if len(bin_) < last - first:
            runs.append([])
    return [run for run in runs if run]


def _drawable(value: float, log: bool) -> bool:
    """Finite, far enough from overflow to be scaled, and above 0 on a logarithmic axis."""
    return abs(value) < 1e200 and (value > 1e-200 or not log)


def _axis(values: list[float], log: bool, start: float, end: float, *, whole: bool) -> _Axis:
    """The scale that holds `values`; `whole` widens it to full steps."""
    low, high = min(values), max(values)
    if log and high < low * (1 + 1e-9):
        low, high = low / 2, high * 2
    elif high - low <= 1e-9 * max(abs(low), abs(high)) + 1e-200:
        margin = 0.1 * max(abs(low), abs(high)) or 1.0
        low, high = low - margin, high + margin
    steps = _log_steps(low, high) if log else _steps(low, high)
    if whole:
        low, high = max([t for t in steps if t <= low] or [low]), min([t for t in steps if t >= high] or [high])
    ticks = [tick for tick in steps if low <= tick <= high]
    scale = (math.log10(low), math.log10(high)) if log else (low, high)
    labels = [_number(tick, ticks) for tick in ticks]
    return _Axis(
        low=scale[0], high=scale[1], log=log, start=start, end=end, ticks=list(zip(ticks, labels, strict=True))
    )


def _steps(low: float, high: float, about: int = 6) -> list[float]:
    """Multiples of a round step from the last one at or below `low` to the first at or above `high`."""
    exponent = math.floor(math.log10((high - low) / about))
    step = next(m for m in (1, 2, 5, 10) if m * 10.0**exponent >= 0.999 * (high - low) / about)
    unit = step * 10.0**exponent
    first, last = math.floor(low / unit + 1e-6), math.ceil(high / unit - 1e-6)
    return [float(f"{number * unit:.14g}") for number in range(first, last + 1)]


def _log_steps(low: float, high: float) -> list[float]:
    """Powers of ten around [low, high]; over less than three decades twice and five times these too."""
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    if high / low < 5:
        return [tick for tick in _steps(low, high) if tick > 0]
    if last - first > 3:
        stride = math.ceil((last - first) / 8)
        return [float(f"1e{n}") for n in range(first - first % stride, last + stride, stride)]
    return [float(f"{m}e{n}") for n in range(first, last + 1) for m in (1, 2, 5) if n < last or m == 1]


def _number(value: float, ticks: list[float]) -> str:
    """A tick as text: 0.05, 20,000 or 2×10⁻⁷, with the digits that tell it from the ticks beside it."""
    largest, smallest = max(map(abs, ticks)), min(abs(tick) for tick in ticks if tick)
    if value == 0 or (smallest >= 1e-4 and largest < 1e6):
        return f"{Decimal(str(value)):,f}".rstrip("0").rstrip(".").replace("-", "−")
    mantissa, exponent = f"{value:.13e}".split("e")
    power = "10" + str(int(exponent)).translate(_SUPERSCRIPT)
    mantissa = mantissa.rstrip("0").rstrip(".")
    return power if mantissa == "1" else f"{mantissa.replace('-', '−')}×{power}"


def _head(series: Sequence[Series], lines: list[list[list[Point]]], title: str, x_label: str, y_label: str) -> str:
    """The opening tag, the description and the ground."""
    described = f"{y_label} over {x_label}."
    for one, runs in zip(series, lines, strict=True):
        ends = f"from {runs[0][0][1]:.3g} to {runs[-1][-1][1]:.3g}" if runs else "no values"
        described += f" {one.name}: {ends}."
    key = f"c{zlib.crc32((title + described).encode('utf-8', 'replace')):08x}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-labelledby="{key}-title {key}-desc" font-family="system-ui, sans-serif" font-size="12" '
        f'fill="#222" text-anchor="middle">\n'
        f'<title id="{key}-title">{_text(title)}</title>\n<desc id="{key}-desc">{_text(described)}</desc>\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
    )


def _frame(x_axis: _Axis, y_axis: _Axis) -> str:
    """Grid, axes and tick labels."""
    left, right = x_axis.start, x_axis.end
    across = [(y_axis.pixel(tick), label) for tick, label in y_axis.ticks]
    upwards = [(x_axis.pixel(tick), label) for tick, label in x_axis.ticks]
    grid = "".join(f"M{left:.1f} {y:.1f}H{right:.1f}" for y, _ in across)
    grid += "".join(f"M{x:.1f} {_TOP}V{_BOTTOM}" for x, _ in upwards)
    parts = [
        f'<path class="grid" d="{grid}" stroke="#e2e2e2" fill="none"/>',
        f'<path class="axes" d="M{left:.1f} {_TOP}V{_BOTTOM}H{right:.1f}" stroke="#555" fill="none"/>',
        '<g class="y-ticks" text-anchor="end">',
        *(f'<text x="{left - 7:.1f}" y="{y + 4:.1f}">{label}</text>' for y, label in across),
        '</g>\n<g class="x-ticks">',
        *(f'<text x="{x:.1f}" y="{_BOTTOM + 18}">{label}</text>' for x, label in upwards),
        "</g>",
    ]
    return "\n".join(parts)


def _line(runs: list[list[Point]], number: int) -> str:
    """The polylines of a series and its markers: on every point if these are few, else on some spread out."""
    points = [point for run in runs for point in run]
    every = 1 if len(points) <= 24 else len(points) / 8
    marked = {int((spot + number / len(_COLOURS)) * every) for spot in range(int(len(points) / every))}
    marks = [points[spot] for spot in sorted(marked)] if every > 1 else points
    marks += [run[0] for run in runs if len(run) == 1 and run[0] not in marks]
    style = f'fill="none" stroke-linejoin="round" stroke-width="{2 if len(points) < 300 else 1}"{_dash(number)}'
    paths = [" ".join(f"{x:.1f},{y:.1f}" for x, y in run) for run in runs if len(run) > 1]
    drawn = [f'<polyline {style} points="{path}"/>' for path in paths]
    drawn += [f'<path d="{_MARKERS[number]}" transform="translate({x:.1f} {y:.1f})"/>' for x, y in marks]
    colour = _COLOURS[number]
    return "\n".join([f'<g class="series" stroke="{colour}" fill="{colour}">', *drawn, "</g>"])


def _legend(name: str, number: int, left: float) -> str:
    """The sample and the name of a series, right of the plot."""
    y, colour = _TOP + 10 + 22 * number, _COLOURS[number]
    return (
        f'<g class="legend"><path d="M{left:.1f} {y}h30" stroke="{colour}" stroke-width="2"{_dash(number)}/>'
        f'<path d="{_MARKERS[number]}" fill="{colour}" transform="translate({left + 15:.1f} {y})"/>'
        f'<text x="{left + 37:.1f}" y="{y + 4}" text-anchor="start">{_text(name)}</text></g>'
    )


def _dash(number: int) -> str:
    return f' stroke-dasharray="{_DASHES[number]}"' if _DASHES[number] else ""


def _shorten(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1] + "…"


def _text(text: str) -> str:
    """Escaped, and without the control characters that XML forbids."""
    return html.escape(_NOT_XML.sub("�", text))
