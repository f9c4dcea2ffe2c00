"""A page that stands alone, in the style of the documentation site."""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path

STYLE = Path(__file__).with_name("style.css")


def document(title: str, parts: list[str], *, letter: bool = False) -> str:
    """Return the whole page of HTML `parts`, its style in it; a `letter` has lines of the length of a letter's."""
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_style()}</style>"
    )
    body = f'<body class="report{" letter" if letter else ""}"><main>{"".join(parts)}</main></body>'
    return f'<!doctype html><html lang="en"><head>{head}</head>{body}</html>\n'


@cache
def _style() -> str:
    return STYLE.read_text("utf-8")
