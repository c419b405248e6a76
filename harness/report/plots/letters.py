"""How much text a line of a plot has room for: names are as long as they come."""

from __future__ import annotations

from harness.report.plots import canvas

WIDTH = 4.8
"""Of a plot, inches: 460 px, of which a phone shows four fifths."""
EDGE = 0.08
"""What is left free around it, inches."""
#: What a line of text has, points.
ROOM = 72 * (WIDTH - 2 * EDGE) - 4


def short(text: str, most: int) -> str:
    """Cut in the middle, where names differ least, and seen to be cut."""
    if len(text) <= most:
        return text
    end = most // 3
    return f"{text[: most - end - 1]}…{text[-end:]}"


def fitted(text: str, most: int, size: float, room: float = ROOM, weight: str = "normal") -> str:
    """Cut to `most` letters, and to `room` points where they are wide ones."""
    cut = short(text, most)
    while len(cut) * size > room and (wide := canvas.width(cut, size, weight)) > room:
        cut = short(text, min(len(cut) - 1, int(len(cut) * room / wide)))
    return cut
