"""svg.py - bar and line plots as small SVG files that need nothing besides themselves.

The same figures give the same bytes; there is no script and no reference to anything outside. A
file does not know on which ground a page shows it (a media query tells the system's colours, not
the page's), so the ground is transparent, and text and axes have a grey with a contrast of 4 to 1
or more to white and to a dark page. The series have the colours of Okabe and Ito, which people of
every colour vision tell apart. pygal 2.4 writes a script and a random id into each file.
"""

import math
import xml.etree.ElementTree as xml

BLUE, ORANGE, GREEN, RED = "#0072b2", "#e69f00", "#009e73", "#d55e00"
PURPLE, GREY = "#cc79a7", "#999999"
BLUES = ("#7fb8de", "#3f94cb", BLUE)  # for what has an order

INK = "#787f88"
INK_ON = {ORANGE: "#1a1a1a", PURPLE: "#1a1a1a", GREY: "#1a1a1a"}  # of the others: white
FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
TEXT, SMALL = 13, 12
CHAR = 0.6  # width of a character, in font sizes: enough for most fonts

LEFT, RIGHT, TOP, BOTTOM = 62, 16, 84, 34  # around the field of a plot
HEAD = 68  # TOP without a legend
ROW = 30  # a horizontal bar and the gap below it
BAR_MAX = 64


def number(value):
    """In a coordinate: one digit behind the point is finer than anybody sees."""
    return f"{value:.1f}".removesuffix(".0")


class Drawing:
    def __init__(self, width, height, title, unit, left=LEFT):
        self.left = left
        self.root = xml.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "width": str(width),
                "height": str(height),
                "viewBox": f"0 0 {width} {height}",
                "role": "img",
                "font-family": FONT,
                "font-size": str(TEXT),
                "fill": INK,
            },
        )
        xml.SubElement(self.root, "title").text = f"{title}, {unit}"
        self.text(left, 22, title, size=16, font_weight="600")
        self.text(left, 42, unit, size=SMALL)

    def add(self, kind, **attributes):
        named = {
            name.replace("_", "-"): value if isinstance(value, str) else number(value)
            for name, value in attributes.items()
        }
        return xml.SubElement(self.root, kind, named)

    def text(self, x, y, content, size=TEXT, anchor="start", **more):
        self.add("text", x=x, y=y, font_size=size, text_anchor=anchor, **more).text = content

    def rule(self, x1, y1, x2, y2, **more):
        self.add("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=INK, **more)

    def legend(self, names, colours):
        x = self.left
        for name, colour in zip(names, colours):
            self.add("rect", x=x, y=55, width=11, height=11, rx=2, fill=colour)
            self.text(x + 17, 65, name, size=SMALL)
            x += 17 + len(name) * SMALL * CHAR + 16

    def finish(self):
        xml.indent(self.root)
        return xml.tostring(self.root, encoding="unicode") + "\n"


# --- scales --------------------------------------------------------------------------------------


def linear_ticks(top):
    """From 0 to at least top, at most six steps of 1, 2 or 5 times a power of ten."""
    power = 10 ** math.floor(math.log10(top))
    step = next(s * power for s in (0.2, 0.5, 1, 2) if top <= 6 * s * power)
    return [i * step for i in range(math.ceil(top / step) + 1)]


def log_ticks(low, high):
    """1, 2 and 5 times powers of ten, from at most low to at least high."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 2)
    steps = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
    first = max(step for step in steps if step <= low)
    last = min(step for step in steps if step >= high and step > first)
    return [step for step in steps if first <= step <= last]


def short(value):
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"


def measured(value):
    """A latency, in about three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def draw_levels(drawing, ticks, y_of, right):
    """Horizontal lines of a grid, with their values on the left."""
    for tick in ticks:
        opacity = 0.9 if tick == ticks[0] else 0.22
        drawing.rule(LEFT, y_of(tick), right, y_of(tick), stroke_opacity=opacity)
        drawing.text(LEFT - 8, y_of(tick) + 4, short(tick), size=SMALL, anchor="end")


# --- plots; series are (name, colour, values), and a value that is None is left out --------------


def columns(title, unit, groups, series, width=760, height=340, limit=None):
    """Upright bars in groups; a dashed line at the limit."""
    drawing = Drawing(width, height, title, unit)
    if len(series) > 1:
        drawing.legend([name for name, _, _ in series], [colour for _, colour, _ in series])
    values = [value for _, _, values in series for value in values if value is not None]
    ticks = linear_ticks(max([*values, limit or 0]))
    top, bottom = TOP if len(series) > 1 else HEAD, height - BOTTOM

    def y_of(value):
        return bottom - (bottom - top) * value / ticks[-1]

    draw_levels(drawing, ticks, y_of, width - RIGHT)
    slot = (width - LEFT - RIGHT) / len(groups)
    bar = min(BAR_MAX, slot * 0.84 / len(series))
    for i, group in enumerate(groups):
        middle = LEFT + slot * (i + 0.5)
        drawing.text(middle, height - 12, group, anchor="middle")
        for j, (_, colour, values) in enumerate(series):
            if values[i] is not None:
                x = middle + bar * (j - len(series) / 2)
                y, size = y_of(values[i]), y_of(0) - y_of(values[i])
                drawing.add("rect", x=x + 1, y=y, width=bar - 2, height=size, rx=1.5, fill=colour)
                if limit and 0 <= y - y_of(limit) < SMALL + 4:
                    y = y_of(limit)  # the dashed line would strike the value out
                drawing.text(x + bar / 2, y - 5, f"{values[i]:,.0f}", SMALL, "middle")
    if limit:
        y = y_of(limit)
        drawing.rule(LEFT, y, width - RIGHT, y, stroke_dasharray="6 4", stroke_width=1.5)
    return drawing.finish()


def draw_part(drawing, x, y, size, colour, content):
    """Of a lying bar; its value only where it has room."""
    drawing.add("rect", x=x, y=y, width=size, height=ROW - 8, fill=colour)
    if size >= (len(content) + 1) * SMALL * CHAR:
        ink = INK_ON.get(colour, "#ffffff")
        drawing.text(x + size / 2, y + 15, content, SMALL, "middle", fill=ink)


def stacks(title, unit, rows, series, width=760):
    """Lying bars made of parts, with their sums behind them."""
    left = RIGHT + 10 + max(len(row) for row in rows) * TEXT * CHAR
    drawing = Drawing(width, TOP + ROW * len(rows) + 6, title, unit, left)
    drawing.legend([name for name, _, _ in series], [colour for _, colour, _ in series])
    sums = [sum(values[i] or 0 for _, _, values in series) for i in range(len(rows))]
    scale = (width - left - RIGHT - 70) / max(sums)
    for i, row in enumerate(rows):
        y = TOP + ROW * i
        drawing.text(left - 10, y + 15, row, anchor="end")
        x = left
        for _, colour, values in series:
            size = (values[i] or 0) * scale
            draw_part(drawing, x, y, size, colour, f"{values[i] or 0:,.0f}")
            x += size
        drawing.text(x + 8, y + 15, f"{sums[i]:,.0f}", font_weight="600")
    return drawing.finish()


def spread(places, gap):
    """Moves labels apart, upwards, so that each is at least gap above the one below it."""
    moved = {}
    floor = math.inf
    for key, y in sorted(places.items(), key=lambda place: -place[1]):
        floor = moved[key] = min(y, floor - gap)
    return moved


def draw_line(drawing, xs, ys, colour):
    places = [(x, y) for x, y in zip(xs, ys) if y is not None]
    joined = " ".join(f"{number(x)},{number(y)}" for x, y in places)
    drawing.add("polyline", points=joined, fill="none", stroke=colour, stroke_width=2.5)
    for x, y in places:
        drawing.add("circle", cx=x, cy=y, r=4, fill=colour)


def lines(title, unit, points, series, width=760, height=380):
    """One line for each series over the same points, which all have some value; the scale is
    logarithmic, and the outermost values are written out."""
    drawing = Drawing(width, height, title, unit)
    values = [value for _, _, values in series for value in values if value]
    ticks = log_ticks(min(values), max(values))
    bottom, right = height - BOTTOM, width - 70

    def y_of(value):
        return bottom - (bottom - HEAD) * math.log(value / ticks[0], ticks[-1] / ticks[0])

    draw_levels(drawing, ticks, y_of, right)
    slot = (right - LEFT) / len(points)
    xs = [LEFT + slot * (i + 0.5) for i in range(len(points))]
    for _, colour, values in series:
        draw_line(drawing, xs, [y_of(value) if value else None for value in values], colour)
    for i, x in enumerate(xs):
        drawing.text(x, height - 12, points[i], anchor="middle")
        there = [values[i] for _, _, values in series if values[i]]
        drawing.text(x, y_of(max(there)) - 10, measured(max(there)), SMALL, "middle")
        drawing.text(x, y_of(min(there)) + 20, measured(min(there)), SMALL, "middle")
    last = {name: y_of(values[-1]) + 4 for name, _, values in series if values[-1]}
    for name, y in spread(last, SMALL + 3).items():
        drawing.text(xs[-1] + 12, y, name, font_weight="600")
    return drawing.finish()
