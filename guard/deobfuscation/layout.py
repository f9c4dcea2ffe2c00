"""Letters taken apart by layout: spelt out, doubled, in columns, as initials, or with markup between them."""

from __future__ import annotations

import re

# Longer lines are prose, of which nobody reads the columns.
MAX_COLUMN_LINE_CHARS = 40
MIN_COLUMN_LINES = 3
_BLOCK_LINES = 1_024

_SPELT = re.compile(r"(?<!\w)\w(?:([^\w]{1,2})\w)(?:\1\w){2,}(?!\w)")
_DOUBLED = re.compile(r"(?<!\w)(?:(\w)\1){3,}(?!\w)")
# Tags that a browser shows nothing of. Cells, paragraphs and the like separate words.
_INLINE = (
    "a|abbr|acronym|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|ins|kbd|label|mark|nobr|q|rp|rt|ruby|s|samp|small"
    "|span|strike|strong|sub|sup|time|tt|u|var|wbr|x"
)
_TAG = rf"<(?:!--[^<>]{{0,300}}--|/?(?:{_INLINE})(?:\s[^<>]{{0,300}})?/?)>"
_TAG_INSIDE_WORD = re.compile(rf"(?<=\w)(?:{_TAG})+(?=\w)", re.IGNORECASE)
_ANY_TAG = re.compile(_TAG, re.IGNORECASE)
_LINK = r"!?\[([^\[\]\n]{1,200})\](?:\([^()\n]{0,300}\)|\[[^\[\]\n]{0,100}\])"
_LINK_IN_WORD = re.compile(rf"(?<=\w){_LINK}|{_LINK}(?=\w)")
_INITIAL = re.compile(r"(?<![^\W_])[^\W_]")
_LINE_INITIAL = re.compile(r"^[^\w\n]*(\w)", re.MULTILINE)


def join_spelt(text: str) -> str:
    """Join letters spelt out with one separator between them, also one a line, and undouble doubled ones."""
    joined = _SPELT.sub(_without_separator, text)
    return _DOUBLED.sub(lambda found: found[0][::2], joined)


def strip_markup(text: str) -> str:
    """Remove tags, comments and links of HTML and Markdown between the letters of a word, as a page shows it."""
    linked = _LINK_IN_WORD.sub(lambda found: found[1] or found[2], text) if "](" in text or "][" in text else text
    if "<" not in linked:
        return linked
    # A tag that is opened inside a word and closed at its end would otherwise remain.
    return _ANY_TAG.sub("", linked) if _TAG_INSIDE_WORD.search(linked) else linked


def columns(text: str) -> str:
    """Return each run of short lines read down its columns, or nothing if there is none."""
    read: list[str] = []
    run: list[str] = []
    for line in [*text.splitlines(), "x" * (MAX_COLUMN_LINE_CHARS + 1)]:
        if len(line) <= MAX_COLUMN_LINE_CHARS:
            run.append(line)
            continue
        if len(run) >= MIN_COLUMN_LINES:
            read.append(_down(run))
        run = []
    return "\n".join(read)


def _down(lines: list[str]) -> str:
    """Return the columns of `lines` as lines of their own; shorter lines are filled with blanks."""
    width = max(map(len, lines))
    # Block by block: one call for a million lines would hold the interpreter for most of a second.
    blocks = (lines[first : first + _BLOCK_LINES] for first in range(0, len(lines), _BLOCK_LINES))
    parts = [
        ["".join(column) for column in zip(*(line.ljust(width) for line in block), strict=True)]
        for block in blocks
    ]
    return "\n".join(map("".join, zip(*parts, strict=True)))


def acrostics(text: str) -> str:
    """Return the initials of the words, and on another line those of the lines."""
    lines = _LINE_INITIAL.findall(text)
    return "".join(_INITIAL.findall(text)) + ("\n" + "".join(lines) if len(lines) > 3 else "")


def _without_separator(found: re.Match[str]) -> str:
    return found[0].replace(found[1], "") if any(c.isalpha() for c in found[0]) else found[0]
