"""Letters taken apart by layout: spelt out, doubled, in columns, as initials, or with markup between them."""

from __future__ import annotations

import re

# Longer lines are prose, of which nobody reads the columns.
MAX_COLUMN_LINE_CHARS = 40
MIN_COLUMN_LINES = 3
_BLOCK_LINES = 1_024

_SPELT = re.compile(r"(?<!\w)\w(?:([^\w]{1,2})\w)(?:\1\w){2,}(?!\w)")
_DOUBLED = re.compile(r"(?<!\w)(?:(\w)\1){3,}(?!\w)")
# Tags that end a line or a cell, so that words end there. A browser shows nothing of any other, known or not.
_SEPARATING = (
    "address|article|aside|blockquote|br|button|caption|center|dd|details|dialog|dir|div|dl|dt|fieldset|figcaption"
    "|figure|footer|form|frame|frameset|h[1-6]|header|hgroup|hr|img|input|legend|li|main|menu|nav|ol|option|p|pre"
    "|search|section|select|summary|table|tbody|td|textarea|tfoot|th|thead|title|tr|ul"
)
_TAG = (
    rf"<(?:!--[^<>]{{0,300}}--|/?(?!(?:{_SEPARATING})\b)[a-z][\w:.-]{{0,40}}(?:\s[^<>]{{0,300}})?/?)>"
    # BBCode, and the colours of a terminal, as they are or as escapes.
    r"|\[/?(?:b|i|u|s|sub|sup|code|color|font|size|url|quote|spoiler|highlight)(?:=[^\[\]\n]{0,100})?\]"
    r"|(?:\x1b|\\(?:033|x1b|u001b|e))\[[\d;]{0,20}m"
)
_TAG_INSIDE_WORD = re.compile(rf"(?<=\w)(?:{_TAG})+(?=\w)", re.IGNORECASE)
_ANY_TAG = re.compile(_TAG, re.IGNORECASE)
_TAG_MARKS = ("<", "[/", "\x1b[", "\\033[", "\\x1b[", "\\u001b[", "\\e[")
_LINK = r"!?\[([^\[\]\n]{1,200})\](?:\([^()\n]{0,300}\)|\[[^\[\]\n]{0,100}\])"
_LINK_IN_WORD = re.compile(rf"(?<=\w){_LINK}|{_LINK}(?=\w)")
# LaTeX: Ils\textbf{abet}.
_COMMAND = r"\\[A-Za-z]{2,20}\{([^{}\n]{1,200})\}"
_COMMAND_IN_WORD = re.compile(rf"(?<=\w){_COMMAND}|{_COMMAND}(?=\w)")
# Letters with a number after each: I1l2s3a4b5e6t.
_NUMBERED_LETTERS = re.compile(r"(?<![^\W_])(?:[^\W\d_]\d{1,2}){4,}(?:[^\W\d_](?![^\W_])|(?![^\W_]))")
_DIGITS = re.compile(r"\d+")
# Letters with a word for each, as on the telephone: "I as in igloo, L as in lemon", "I - India".
_EXAMPLE = (
    r"([^\W\d_])(?: ?[-–—:=.] ?| (?:as in|is for|for|like|wie|comme|come|como) )[\"'“]?([^\W\d_]{2,20})[\"'”]?"
)
_EXAMPLE_PARTS = re.compile(_EXAMPLE)
_ONE = _EXAMPLE.replace("([^", "(?:[^")
_NEXT = r"[,;.]?(?: (?:and|then|und|et|y) |[ \n]{1,2}|,)"
_EXEMPLIFIED = re.compile(rf"(?<!\w){_ONE}(?:{_NEXT}{_ONE}(?!\w)){{3,}}")
_INITIAL = re.compile(r"(?<![^\W_])[^\W_]")
_LINE_INITIAL = re.compile(r"^[^\w\n]*(\w)", re.MULTILINE)


def join_spelt(text: str) -> str:
    """Join letters spelt out with one separator between them, also one a line, with numbers between them or with a
    word for each, and undouble doubled ones."""
    joined = _SPELT.sub(_without_separator, _EXEMPLIFIED.sub(_letters, text))
    joined = _NUMBERED_LETTERS.sub(lambda found: _DIGITS.sub("", found[0]), joined)
    return _DOUBLED.sub(lambda found: found[0][::2], joined)


def strip_markup(text: str) -> str:
    """Remove tags, comments, links and commands of HTML, Markdown, BBCode, LaTeX and terminals between the letters
    of a word, as a page shows it."""
    linked = _LINK_IN_WORD.sub(lambda found: found[1] or found[2], text) if "](" in text or "][" in text else text
    if "\\" in linked and "{" in linked:
        linked = _COMMAND_IN_WORD.sub(lambda found: found[1] or found[2], linked)
    if not any(mark in linked for mark in _TAG_MARKS):
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


def _letters(found: re.Match[str]) -> str:
    """Return the letters of a run in which a word exemplifies each; the run itself where it does not."""
    pairs = _EXAMPLE_PARTS.findall(found[0])
    return "".join(letter for letter, _ in pairs) if all(w[0].lower() == c.lower() for c, w in pairs) else found[0]
