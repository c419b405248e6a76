"""HTML in which every text is data: it is escaped unless it was made here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import quote

#: Elements that hold nothing.
VOID = ("br", "img")


class Html(str):
    """Text that is HTML already."""


def tag(name: str, *inside: str, **attributes: str | bool) -> Html:
    """``<name attributes>inside</name>``; ``class_`` and ``data_x`` stand for class and data-x."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not False
    )
    end = "" if name in VOID else f"</{name}>"
    return Html(f"<{name}{given}>{join(inside)}{end}")


def join(parts: Iterable[str]) -> Html:
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


def link(text: str, *path: str) -> Html:
    """A link to a file beside the page; a path's parts are names and may hold anything."""
    return tag("a", text, href="/".join(quote(part) for part in path))


def head(columns: Sequence[str]) -> Html:
    return tag("thead", tag("tr", *(tag("th", name, scope="col", data_label=name) for name in columns)))


def cells(texts: Iterable[str], labels: Sequence[str]) -> Html:
    """The cells of a row; a phone shows each beneath the name of its column."""
    return join(tag("td", text, data_label=label) for text, label in zip(texts, labels, strict=True))


def scrolling(table: Html, label: str) -> Html:
    """A wide table scrolls by itself, also by keyboard, and not the page."""
    return Html(f'<div class="wide" tabindex="0" role="region" aria-label="{escape(label)}">{table}</div>')
