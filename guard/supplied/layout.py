"""Lines of a turn that are data by their layout, and those that are options to choose from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from guard.supplied.statement import asks, asks_item, finishes, words
from guard.supplied.words import FIELDS, FROM, QUESTIONS, TOPICS, Grammar

MIN_LINES = 2
MIN_TEXT_LINES = 3
MIN_CELLS = 3
MAX_CELL_CHARS = 60
MIN_OPTIONS = 2
# Longer items below a question say something of their own.
MAX_OPTION_WORDS = 4

_LOG = re.compile(
    r"\s*(?:\[?(?:DEBUG|INFO|WARN|WARNING|ERROR|FATAL)\b|[\[(]?\d{1,4}[-./:]\d{1,2}(?:[-./:\sT]\d{1,4}){0,4})"
)
_DATA = re.compile(
    r"[\"']\s*:\s*(?:[\[{\"'\d]|(?:true|false|null|None)\b)"  # "key": value
    r"|\w\s*=\s*[\[{(\"'\d]|\bSELECT\b.*\bFROM\b|</\w+>|\w\([^)]*\);?\s*$"
)
_KEYWORDS = "def|for|while|if|import|from|return|class|function|var|const"
_CODE = re.compile(rf"\s*(?:[\w.]+\s*=\s*[^\s=]|(?:{_KEYWORDS})\s.*[:;({{)])")
_RECORD = re.compile(r"\s*(?:[\[(][^\])]{1,20}[\])]\s*|-\s+)?([^\s:：?|-][^:：?|]{0,40}?)\s?[:：]\s+(\S.*)")
_LETTERED = re.compile(r"\s*[(\[]?[A-Za-z][.):\]]\s+\S")
_LISTED = re.compile(r"\s*(?:[-*•–]|[(\[]?(?:\d{1,2}|[A-Za-z])[.):\]])\s+\S")
_MARK = re.compile(r"(?:^|[\s(\[])([A-Da-d1-4])[.):\]]\s")
# A row, a record or a value that is left out, and a record without one.
_GAP = re.compile(r"\W*(?:[?？_…-]+|\.{3})\W*")
_EMPTY = re.compile(r"[|:,]\s*(?:[?？]+|_{2,}|\.{3}|…|\"\")\s*(?:[|,}]|$)|_{3,}")
_UNFILLED = re.compile(r"\S[^:：]{0,40}[:：]\s*$")
_SEPARATORS = ",;\t"
_BULLETS = " -*•–\t"
# Words for what is asked. "a" and "q" are words of other kinds in a sentence.
_LABELS = frozenset(word for word in QUESTIONS | TOPICS if len(word) > 1)
_TURNS = frozenset({"user", "assistant", "system", "human", "ai", "bot", "chatbot", "model", "you", "me"})
_ASKED = QUESTIONS | TOPICS | FIELDS | _TURNS


def options(lines: Sequence[str], by: Grammar) -> Iterator[int]:
    """Yield the places of lines that are options to choose from: of a list with letters, of any list below or
    above a line that asks to choose, of a list of short items below a question, and of a line with several."""
    marked = [place for place, line in enumerate(lines) if _LISTED.match(line)]
    lettered = [place for place in marked if _LETTERED.match(lines[place])]
    chooses = any(not by.choice.isdisjoint(words(line)) for line in lines if not _LISTED.match(line))
    short = marked and all(len(words(lines[place])) <= MAX_OPTION_WORDS for place in marked)
    if chooses or (short and _before(lines, marked[0]).endswith(("?", "？"))):
        lettered = marked
    if len(lettered) >= MIN_OPTIONS:
        yield from lettered
    yield from (place for place, line in enumerate(lines) if _has_options(line))


def pasted(lines: Sequence[str], by: Grammar | None) -> Iterator[int]:
    """Yield the places of lines that are data: rows of tables, cells, logs, code, JSON, records, mails, lists, and
    texts of some lines below or above the only line that asks. Nothing with gaps to fill is data."""
    if by and any(finishes(line, by) for line in lines):
        return
    for is_data in (_is_row, _is_cells, _LOG.match, _CODE.match):
        for run in _runs(lines, is_data):
            if not any(_EMPTY.search(lines[place]) for place in run):
                yield from run
    data = [place for place, line in enumerate(lines) if _DATA.search(line)]
    if not any(_EMPTY.search(lines[place]) or not _LABELS.isdisjoint(words(lines[place])) for place in data):
        yield from data
    for run in _runs(lines, _RECORD.match):
        if _is_mail(lines[run[0]]) or not any(_is_request(lines[place]) for place in run):
            yield from run
    if by:
        yield from _list(lines, by)
        yield from _text(lines, by)


def _list(lines: Sequence[str], by: Grammar) -> Iterator[int]:
    """Yield the places of lists that neither ask nor are asked for."""
    listed = [place for run in _runs(lines, _is_item) for place in run]
    if listed and not any(asks_item(lines[place].strip(_BULLETS), by) for place in listed):
        before = _before(lines, listed[0])
        if not (before and (asks(before, by) or not _LABELS.isdisjoint(words(before)))):
            yield from listed


def _text(lines: Sequence[str], by: Grammar) -> Iterator[int]:
    """Yield the places of at least MIN_TEXT_LINES lines that do not ask, below or above the only one that does."""
    full = [place for place, line in enumerate(lines) if line.strip()]
    if len(full) <= MIN_TEXT_LINES or any(_EMPTY.search(lines[place]) for place in full):
        return
    first, last = lines[full[0]], lines[full[-1]]
    if asks(last, by):
        inner, request = full[:-1], last
    elif asks(first, by) and not first.rstrip().endswith((":", "：")):
        inner, request = full[1:], first
    else:
        return
    form = any(_UNFILLED.fullmatch(lines[place].strip()) or _is_request(lines[place]) for place in inner)
    is_exercise = not (by.choice | _LABELS).isdisjoint(words(request))
    if not (form or is_exercise or any(asks_item(lines[place].strip(_BULLETS), by) for place in inner)):
        yield from inner


def _runs(lines: Sequence[str], is_data: Callable[[str], object]) -> Iterator[list[int]]:
    """Yield the places of at least MIN_LINES lines in a row that are data, with equal cells if those count."""

    def kind(place: int) -> object:
        found = is_data(lines[place])
        return found if isinstance(found, str) else bool(found)

    for key, group in groupby(range(len(lines)), key=kind):
        places = [*group]
        if key and len(places) >= MIN_LINES:
            yield places


def _before(lines: Sequence[str], place: int) -> str:
    """Return the last line before a place that is not empty; "" if there is none."""
    return next((line.rstrip() for line in reversed(lines[:place]) if line.strip()), "")


def _is_row(line: str) -> bool:
    return line.count("|") >= MIN_CELLS - 1


def _is_cells(line: str) -> str:
    """Return the separator and the number of cells of a line with several short ones; "" if it has none."""
    for separator in _SEPARATORS:
        cells = line.split(separator)
        short = all(len(cell) <= MAX_CELL_CHARS for cell in cells)
        if len(cells) >= MIN_CELLS and short and not line.rstrip().endswith((".", "?", "!")):
            return f"{separator}{len(cells)}"
    return ""


def _is_item(line: str) -> bool:
    return bool(_LISTED.match(line)) and not _LETTERED.match(line)


def _is_request(line: str) -> bool:
    """Whether a record asks for something: its label says so, it is a turn of a chat with a model, or a gap."""
    match = _RECORD.match(line)
    return bool(match and (_ASKED.intersection(words(match[1])[-1:]) or _GAP.fullmatch(match[2])))


def _is_mail(line: str) -> bool:
    match = _RECORD.match(line)
    return bool(match and FROM.intersection(words(match[1])[-1:]))


def _has_options(line: str) -> bool:
    marks = {mark.lower() for mark in _MARK.findall(line)}
    return {"a", "b"} <= marks or {"1", "2"} <= marks
