"""Pages and tables of Markdown."""

from __future__ import annotations

from collections.abc import Iterable


def page(title: str, purpose: str, *blocks: str) -> str:
    """Return a page with its title, what it is for, and its blocks that are not empty."""
    return "\n\n".join([f"# {title}", purpose, *filter(None, blocks)]) + "\n"


def table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table; every cell is one line."""
    head = [*heading]
    lines = [head, ["---"] * len(head), *([cell(one) for one in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(text: str) -> str:
    """Return `text` on one line, with what Markdown would take for a column or for HTML as it is written."""
    return " ".join(text.split()).replace("|", r"\|").replace("<", "&lt;")
