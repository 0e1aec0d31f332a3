# SPDX-License-Identifier: Apache-2.0
"""Line and bar charts as SVG, with the standard library alone."""

import dataclasses
import html
import math

COLORS = ["#2563a8", "#d9730d", "#2e8b57", "#b3364c", "#7a5195", "#8c6d31", "#3aa6b9", "#6b7280", "#c2569b", "#94a11f"]
FONT = "font-family='Helvetica, Arial, sans-serif'"
WIDTH, HEIGHT = 460, 320
LEFT, RIGHT, TOP, BOTTOM = 62, 16, 34, 48
LEGEND_LINE = 15


@dataclasses.dataclass
class Panel:
    """A chart: `series` maps a name to points (x, y); with `bars` a name to values, one for each of `labels`;
    with `ranked` a name to one value, drawn as bars below each other."""

    title: str
    x: str = ""
    y: str = ""
    series: dict = dataclasses.field(default_factory=dict)
    labels: list = dataclasses.field(default_factory=list)
    bars: bool = False
    stacked: bool = False
    ranked: bool = False
    log_x: bool = False
    log_y: bool = False
    rule: float = None  # a dashed horizontal line, such as a ceiling
    rule_name: str = ""


def short(value):
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value / 1000:.3g}k"
    return f"{value:.3g}"


def ticks(low, high):
    """About five round values."""
    step = 10 ** math.floor(math.log10((high - low) / 4 or 1))
    step *= next(factor for factor in (1, 2, 2.5, 5, 10) if (high - low) / (step * factor) <= 5.5)
    first = math.ceil(low / step - 1e-9)
    return [step * i for i in range(first, int(math.floor(high / step + 1e-9)) + 1)]


def decades(low, high):
    found = [f * 10.0**e for e in range(-6, 9) for f in (1, 2, 5) if low * 0.999 <= f * 10.0**e <= high * 1.001]
    return found if len(found) <= 8 else [v for v in found if math.log10(v) % 1 < 0.01]


def text(x, y, words, size=11, anchor="start", more=""):
    return (f"<text x='{x:.1f}' y='{y:.1f}' {FONT} font-size='{size}' text-anchor='{anchor}' fill='#222' {more}>"
            f"{html.escape(str(words))}</text>")


class _Frame:
    """Where values lie within a panel."""

    def __init__(self, panel, legend):
        self.panel = panel
        self.top = TOP + legend * LEGEND_LINE
        self.height = HEIGHT - self.top - BOTTOM
        self.width = WIDTH - LEFT - RIGHT
        values = self._values()
        high = max(values + [panel.rule or 0.0]) or 1.0
        self.low_y = min(v for v in values if v > 0) / 1.3 if panel.log_y else min(0.0, min(values))
        self.high_y = high * (1.3 if panel.log_y else 1.06)
        xs = [x for points in panel.series.values() for x, _ in points] if not panel.bars else [0, 1]
        self.low_x, self.high_x = min(xs), max(xs)
        if self.low_x == self.high_x:
            self.low_x, self.high_x = self.low_x * 0.5, self.high_x * 2 or 1

    def _values(self):
        if not self.panel.bars:
            return [y for points in self.panel.series.values() for _, y in points]
        if self.panel.stacked:
            return [sum(max(v, 0.0) for v in column) for column in zip(*self.panel.series.values())] + [
                sum(min(v, 0.0) for v in column) for column in zip(*self.panel.series.values())]
        return [v for values in self.panel.series.values() for v in values]

    def x(self, value):
        low, high, log = self.low_x, self.high_x, self.panel.log_x
        part = math.log(value / low) / math.log(high / low) if log else (value - low) / (high - low)
        return LEFT + 8 + part * (self.width - 16)

    def y(self, value):
        low, high, log = self.low_y, self.high_y, self.panel.log_y
        part = math.log(value / low) / math.log(high / low) if log else (value - low) / (high - low)
        return self.top + (1 - part) * self.height


def _legend(panel):
    """The names in lines that fit."""
    lines, used = [[]], 0
    for i, name in enumerate(panel.series):
        wide = 24 + 6.6 * len(name)
        if used + wide > WIDTH - LEFT and lines[-1]:
            lines.append([])
            used = 0
        lines[-1].append((used, i, name))
        used += wide
    return lines if len(panel.series) > 1 else []


def _axes(panel, frame):
    out = []
    for value in decades(frame.low_y, frame.high_y) if panel.log_y else ticks(frame.low_y, frame.high_y):
        y = frame.y(value)
        out.append(f"<line x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{y:.1f}' y2='{y:.1f}' stroke='#e3e5e8'/>")
        out.append(text(LEFT - 6, y + 4, short(value), anchor="end"))
    bottom = frame.top + frame.height
    if not panel.bars:
        xs = sorted({x for points in panel.series.values() for x, _ in points})
        shown = xs if panel.log_x and len(xs) <= 9 else (
            decades(frame.low_x, frame.high_x) if panel.log_x else ticks(frame.low_x, frame.high_x))
        for value in shown:
            out.append(f"<line x1='{frame.x(value):.1f}' x2='{frame.x(value):.1f}' y1='{bottom}' y2='{bottom + 4}' "
                       "stroke='#555'/>")
            out.append(text(frame.x(value), bottom + 17, short(value), anchor="middle"))
    out.append(f"<line x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{frame.y(max(frame.low_y, 0)) if not panel.log_y else bottom:.1f}' "
               f"y2='{frame.y(max(frame.low_y, 0)) if not panel.log_y else bottom:.1f}' stroke='#555'/>")
    out.append(text(LEFT + frame.width / 2, HEIGHT - 8, panel.x, anchor="middle"))
    middle = frame.top + frame.height / 2
    out.append(text(14, middle, panel.y, anchor="middle", more=f"transform='rotate(-90 14 {middle:.1f})'"))
    if panel.rule is not None:
        y = frame.y(panel.rule)
        out.append(f"<line x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{y:.1f}' y2='{y:.1f}' stroke='#555' "
                   "stroke-dasharray='5 4'/>")
        out.append(text(WIDTH - RIGHT, y - 4, panel.rule_name, size=10, anchor="end"))
    return out


def _lines(panel, frame):
    out = []
    for i, points in enumerate(panel.series.values()):
        color = COLORS[i % len(COLORS)]
        dash = " stroke-dasharray='6 3'" if i >= len(COLORS) else ""
        places = [(frame.x(x), frame.y(y)) for x, y in sorted(points)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        out.append(f"<polyline points='{path}' fill='none' stroke='{color}' stroke-width='2'{dash}/>")
        out += [f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3' fill='{color}'/>" for x, y in places]
    return out


def _bars(panel, frame):
    out = []
    slot = frame.width / len(panel.labels)
    groups = 1 if panel.stacked else len(panel.series)
    wide = min(44.0, slot * 0.8 / groups)
    for j, label in enumerate(panel.labels):
        middle = LEFT + slot * (j + 0.5)
        above = below = 0.0
        for i, values in enumerate(panel.series.values()):
            value = values[j]
            base = (above if value >= 0 else below) if panel.stacked else 0.0
            x = middle - wide / 2 if panel.stacked else middle + (i - groups / 2) * wide
            y0, y1 = sorted((frame.y(base), frame.y(base + value)))
            out.append(f"<rect x='{x:.1f}' y='{y0:.1f}' width='{wide - 1:.1f}' height='{max(y1 - y0, 0.5):.1f}' "
                       f"fill='{COLORS[i % len(COLORS)]}'/>")
            if panel.stacked:
                above, below = above + max(value, 0.0), below + min(value, 0.0)
            else:
                out.append(text(x + wide / 2, y0 - 3, short(value), size=9, anchor="middle"))
        if panel.stacked:
            out.append(text(middle, frame.y(above) - 3, short(above + below), size=9, anchor="middle"))
        for k, word in enumerate(label.split("\n")):
            out.append(text(middle, frame.top + frame.height + 14 + 11 * k, word, size=9, anchor="middle"))
    return out


def _ranked(panel):
    """A line of `panel.series` below another: name, bar, value."""
    names = 13 + 5.9 * max(map(len, panel.series))
    slot = (HEIGHT - TOP - BOTTOM + 26) / len(panel.series)
    low = min(panel.series.values()) / 1.5 if panel.log_y else 0.0
    high = max(panel.series.values()) or 1.0
    out = []
    for i, (name, value) in enumerate(panel.series.items()):
        part = math.log(value / low) / math.log(high / low) if panel.log_y else value / high
        y, wide = TOP + slot * i, part * (WIDTH - RIGHT - names - 40)
        out.append(text(names - 6, y + slot * 0.7, name, size=10, anchor="end"))
        out.append(f"<rect x='{names:.1f}' y='{y + slot * 0.12:.1f}' width='{max(wide, 0.5):.1f}' height='{slot * 0.76:.1f}' "
                   f"fill='{COLORS[0]}'/>")
        out.append(text(names + wide + 5, y + slot * 0.7, short(value), size=10))
    out.append(text(names, HEIGHT - 8, panel.y + (", logarithmic" if panel.log_y else ""), size=10))
    return out


def draw(panel):
    if panel.ranked:
        return "\n".join([text(12, 18, panel.title, size=13, more="font-weight='bold'")] + _ranked(panel))
    legend = _legend(panel)
    frame = _Frame(panel, len(legend))
    out = [text(LEFT, 18, panel.title, size=13, more="font-weight='bold'")]
    for line, entries in enumerate(legend):
        for x, i, name in entries:
            y = TOP + line * LEGEND_LINE
            out.append(f"<rect x='{LEFT + x}' y='{y - 8}' width='10' height='10' "
                       f"fill='{COLORS[i % len(COLORS)]}'/>")
            out.append(text(LEFT + x + 14, y + 1, name, size=11))
    return "\n".join(out + _axes(panel, frame) + (_bars if panel.bars else _lines)(panel, frame))


def write(path, panels, columns=2, note=""):
    """Panels in rows of `columns`; `note` stands below them: device, date, command."""
    columns = min(columns, len(panels))
    rows = math.ceil(len(panels) / columns)
    wide, high = columns * WIDTH, rows * HEIGHT + 24
    out = [f"<svg xmlns='http://www.w3.org/2000/svg' width='{wide}' height='{high}' viewBox='0 0 {wide} {high}'>",
           "<rect width='100%' height='100%' fill='white'/>"]
    for i, panel in enumerate(panels):
        out.append(f"<g transform='translate({i % columns * WIDTH} {i // columns * HEIGHT})'>\n{draw(panel)}\n</g>")
    out += [text(12, high - 8, note, size=10), "</svg>"]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")
