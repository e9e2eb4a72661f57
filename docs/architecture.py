#!/usr/bin/env python3
"""architecture.py - draws docs/architecture.svg and architecture-dark.svg, the picture in the README.

Usage: docs/architecture.py    (writes both files beside itself)
"""

import os
import xml.etree.ElementTree as xml

HERE = os.path.dirname(os.path.abspath(__file__))
WIDTH, HEIGHT = 880, 430
FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
COLOURS = {
    "architecture.svg": {
        "ground": "#ffffff", "box": "#f4f6f8", "line": "#57606a", "ink": "#1f2328",
        "soft": "#57606a", "own": "#ddeefa", "edge": "#0072b2",
    },
    "architecture-dark.svg": {
        "ground": "#0d1117", "box": "#161b22", "line": "#8b949e", "ink": "#e6edf3",
        "soft": "#9da7b3", "own": "#10304a", "edge": "#58a6ff",
    },
}
# name, lines below it, x, y, width, height, whether it is ours
BOXES = [
    ("Web tiers", ["any AMQP client"], 20, 40, 165, 70, False),
    ("Pipelines", ["search, mail, reports"], 20, 320, 165, 70, False),
    ("RabbitMQ", ["requests: one queue a domain", "replies: direct reply-to",
                  "events, notifications: topics", "dead letters, delays"], 255, 40, 215, 350, False),
    ("cartwright worker", ["a supervisor and its lanes"], 550, 40, 310, 200, True),
    ("Redis", ["leases, stamps,", "cache, limits"], 550, 310, 140, 80, False),
    ("MongoDB", ["documents, journal,", "outbox, ledgers"], 710, 310, 150, 80, False),
]
STEPS = ["take what waits", "load in a few trips", "decide: pure handlers", "commit: one transaction",
         "reply, publish, acknowledge"]
# x1, y1, x2, y2, text, where the text stands
ARROWS = [
    (185, 62, 255, 62, "request", (220, 54)),
    (255, 92, 185, 92, "reply", (220, 110)),
    (255, 355, 185, 355, "event", (220, 346)),
    (470, 90, 550, 90, "a batch", (510, 82)),
    (550, 190, 470, 190, "confirmed", (510, 208)),
    (620, 240, 620, 310, "", None),
    (785, 240, 785, 310, "", None),
]


class Picture:
    def __init__(self, colours):
        self.colours = colours
        self.root = xml.Element("svg", {
            "xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {WIDTH} {HEIGHT}",
            "width": str(WIDTH), "height": str(HEIGHT), "font-family": FONT, "role": "img",
        })
        xml.SubElement(self.root, "title").text = "How a request goes through Cartwright"
        marker = xml.SubElement(xml.SubElement(self.root, "defs"), "marker", {
            "id": "tip", "viewBox": "0 0 8 8", "refX": "7", "refY": "4", "markerWidth": "8",
            "markerHeight": "8", "orient": "auto",
        })
        xml.SubElement(marker, "path", {"d": "M0 0L8 4L0 8Z", "fill": colours["line"]})
        self.rect(0, 0, WIDTH, HEIGHT, colours["ground"], "none")

    def rect(self, x, y, width, height, fill, stroke):
        xml.SubElement(self.root, "rect", {
            "x": str(x), "y": str(y), "width": str(width), "height": str(height), "rx": "8",
            "fill": fill, "stroke": stroke,
        })

    def text(self, x, y, text, size=13, colour="soft", weight="normal", anchor="start"):
        xml.SubElement(self.root, "text", {
            "x": str(x), "y": str(y), "font-size": str(size), "fill": self.colours[colour],
            "font-weight": weight, "text-anchor": anchor,
        }).text = text

    def box(self, name, lines, x, y, width, height, is_ours):
        fill, stroke = ("own", "edge") if is_ours else ("box", "line")
        self.rect(x, y, width, height, self.colours[fill], self.colours[stroke])
        self.text(x + 14, y + 26, name, 16, "ink", "600")
        for i, line in enumerate(lines):
            self.text(x + 14, y + 48 + 20 * i, line)

    def arrow(self, x1, y1, x2, y2, text, place):
        xml.SubElement(self.root, "line", {
            "x1": str(x1), "y1": str(y1), "x2": str(x2), "y2": str(y2),
            "stroke": self.colours["line"], "stroke-width": "1.5", "marker-end": "url(#tip)",
        })
        if text:
            self.text(place[0], place[1], text, 12, "soft", anchor="middle")

    def steps(self):
        for i, step in enumerate(STEPS):
            self.text(572, 118 + 24 * i, str(i + 1), 13, "edge", "600")
            self.text(594, 118 + 24 * i, step, 13, "ink")

    def save(self, name):
        xml.indent(self.root)
        with open(os.path.join(HERE, name), "w", encoding="utf-8") as file:
            file.write(xml.tostring(self.root, encoding="unicode") + "\n")


def main():
    for name, colours in COLOURS.items():
        picture = Picture(colours)
        for box in BOXES:
            picture.box(*box)
        for arrow in ARROWS:
            picture.arrow(*arrow)
        picture.steps()
        picture.save(name)


if __name__ == "__main__":
    main()
