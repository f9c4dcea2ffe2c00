"""Lines of a turn that are pasted data by their layout: tables, records, logs, chats, JSON, code and lists."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from guard.supplied.statement import asks, asks_item, words
from guard.supplied.words import QUESTIONS, TOPICS, Grammar

MIN_LINES = 2
MIN_CELLS = 3
MAX_CELL_CHARS = 60
MAX_LABEL_CHARS = 40
MIN_OPTIONS = 2

_TIME = re.compile(r"\s*[\[(]?\d{1,4}[-./:]\d{1,2}(?:[-./:\sT]\d{1,4}){0,4}")
_JSON = re.compile(r"[\"']\s*:\s*[\[{\"'\d]|[\"']\s*:\s*(?:true|false|null|None)\b")
_CODE = re.compile(
    r"\s*(?:[\w.]+\s*=\s*[^\s=]|(?:def|for|while|if|import|from|return|class|function|var|const)\s.*[:;({)])"
)
_RECORD = re.compile(r"\s*(?:[\[(][^\])]{1,20}[\])]\s*)?([^\s:：?|][^:：?|]{0,40}?)\s?[:：]\s+(\S.*)")
_LETTERED = re.compile(r"\s*[(\[]?[A-Za-z][.):\]]\s+\S")
_LISTED = re.compile(r"\s*(?:[-*•]|[(\[]?(?:\d{1,2}|[A-Za-z])[.):\]])\s+\S")
_MARK = re.compile(r"(?:^|[\s(\[])([A-Da-d1-4])[.):\]]\s")
_GAP = re.compile(r"\W*(?:[?？_…-]+|\.{3})\W*")
_SEPARATORS = ",;\t"
_BULLETS = " -*•\t"


def options(lines: Sequence[str], by: Grammar) -> Iterator[int]:
    """Yield the places of lines that are options to choose from: of a list with letters, of any list below or
    above a line that asks to choose, and of a line with several."""
    marked = [place for place, line in enumerate(lines) if _LISTED.match(line)]
    lettered = [place for place in marked if _LETTERED.match(lines[place])]
    chooses = any(not by.choice.isdisjoint(words(line)) for line in lines if not _LISTED.match(line))
    found = marked if chooses else lettered
    if len(found) >= MIN_OPTIONS:
        yield from found
    yield from (place for place, line in enumerate(lines) if _has_options(line))


def pasted(lines: Sequence[str], by: Grammar | None) -> Iterator[int]:
    """Yield the places of lines that are data by their layout. A form with gaps to fill is none."""
    for is_data in (_is_row, _is_cells, _is_logged, _is_code):
        yield from _runs(lines, is_data)
    yield from (place for place, line in enumerate(lines) if _JSON.search(line) and not _asks_in_json(line))
    records = [*_runs(lines, _is_record)]
    if not any(_is_request(lines[place]) for place in records):
        yield from records
    listed = [*_runs(lines, _is_item)]
    if by and listed and not any(asks_item(lines[place].strip(_BULLETS), by) for place in listed):
        before = next((line for line in reversed(lines[: listed[0]]) if line.strip()), "")
        if not (before and (asks(before, by) or before.rstrip().endswith(("?", "？")) or _is_topic(before))):
            yield from listed


def _runs(lines: Sequence[str], is_data: Callable[[str], object]) -> Iterator[int]:
    """Yield the places of lines that are data in a row of at least MIN_LINES with the same result."""
    for key, group in groupby(range(len(lines)), key=lambda place: is_data(lines[place])):
        places = [*group]
        if key and len(places) >= MIN_LINES:
            yield from places


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


def _is_logged(line: str) -> bool:
    return bool(_TIME.match(line))


def _is_code(line: str) -> bool:
    return bool(_CODE.match(line))


def _is_record(line: str) -> bool:
    match = _RECORD.match(line)
    return bool(match) and not _LISTED.match(line)


def _is_item(line: str) -> bool:
    return bool(_LISTED.match(line)) and not _LETTERED.match(line)


def _is_request(line: str) -> bool:
    """Whether a record asks for something: its label says so, it is a turn of a chat with a model, or a gap."""
    match = _RECORD.match(line)
    label = words(match[1]) if match else []
    return bool(label and (label[-1] in QUESTIONS | TOPICS | _TURNS)) or bool(match and _GAP.fullmatch(match[2]))


_TURNS = frozenset({"user", "assistant", "system", "human", "ai", "bot", "chatbot", "model", "you", "me"})


def _is_topic(line: str) -> bool:
    return not (QUESTIONS | TOPICS).isdisjoint(words(line))


def _asks_in_json(line: str) -> bool:
    return not (QUESTIONS | TOPICS).isdisjoint(words(line))


def _has_options(line: str) -> bool:
    marks = {mark.lower() for mark in _MARK.findall(line)}
    return {"a", "b"} <= marks or {"1", "2"} <= marks
