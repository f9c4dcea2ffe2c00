"""Lines of a turn that are data by their layout, and those that are options to choose from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from guard.supplied.statement import asks, asks_at_all, asks_item, finishes, words
from guard.supplied.words import FIELDS, FROM, LABELS, LETTER_TAGS, MANNER, TURNS, Grammar

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
    rf"|\w\s*=\s*[\[{{(\"'\d]|^\s*SELECT\b.*\bFROM\b|</(?!(?:{'|'.join(LETTER_TAGS)})>)\w+>|\w\([^()]*\)+;?\s*$"
)
_KEYWORDS = "def|for|while|if|import|from|return|class|function|var|const"
_CODE = re.compile(rf"\s*(?:[\w.]+\s*=\s*[^\s=]|(?:{_KEYWORDS})\s.*[:;({{)])")
_RECORD = re.compile(r"\s*(?:[\[(][^\])]{1,20}[\])]\s*|-\s+)?([^\s:：?|-][^:：?|]{0,40}?)\s?[:：]\s+(\S.*)")
_LETTERED = re.compile(r"\s*[(\[]?[A-Za-z][.):\]]\s+\S")
_LISTED = re.compile(r"\s*(?:[-*•–]|[(\[]?(?:\d{1,2}|[A-Za-z])[.):\]])\s+\S")
_MARK = re.compile(r"(?:^|[\s(\[])([A-Da-d1-4])[.):\]]\s")
# A value of JSON or an element that is a question.
_ASKS = re.compile(r"[?？]\s*(?:[\"']|</|$)")
# The body of a request to a model.
_CALL = re.compile(r"\"role\"\s*:\s*\"(?:system|user|assistant)\"")
# A row, a record or a value that is left out, and a record without one.
_GAP = re.compile(r"[\s?？_….-]+|[\[<{]{1,2}(?: *|\w[\w ]+)[\]>}]{1,2}\s*")
_EMPTY = re.compile(r"[|:,]\s*(?:[?？]+|_{2,}|\.{3}|…|\"(?:<[\w ]+>)?\")\s*(?:[|,}]|$)|_{3,}")
_UNFILLED = re.compile(r"(?:\S{1,30}\s+){0,3}[^\s:：]{1,30}\s?[:：]\s*$")
# No marks of a chat template: "<|user|>".
_PIPE = re.compile(r"(?<!<)\|(?!>)")
_CELL = re.compile(r"[|,;\t]")
_SEPARATORS = ",;\t"
_BULLETS = " -*•–\t"
_ASKED = LABELS | FIELDS | TURNS | {"q", "a"}


def options(lines: Sequence[str], by: Grammar) -> Iterator[int]:
    """Yield the places of lines that are options to choose from: of any list below or above a line that asks to
    choose, of a list of short items below a question or a sentence that lacks its end, of one with letters unless
    it goes on with a statement, and of a line with several."""
    marked = [place for place, line in enumerate(lines) if _LISTED.match(line)]
    before = _before(lines, marked[0]) if marked else ""
    chooses = any(not by.choice.isdisjoint(words(line)) for line in lines if not _LISTED.match(line))
    short = all(len(words(lines[place])) <= MAX_OPTION_WORDS for place in marked)
    lacks_end = not (by.openers | by.fillers).isdisjoint(words(before)[-1:])
    chosen: list[int] = []
    if chooses or (short and (lacks_end or before.endswith(("?", "？")))):
        chosen = marked
    elif short or lacks_end or not before or asks_at_all(before, by):
        chosen = [place for place in marked if _LETTERED.match(lines[place])]
    if len(chosen) >= MIN_OPTIONS:
        yield from chosen
    yield from (place for place, line in enumerate(lines) if _has_options(line))


def pasted(lines: Sequence[str], by: Grammar | None, is_guess: bool = False) -> Iterator[int]:
    """Yield the places of lines that are data: rows of tables, cells, logs, code, JSON, records, mails, lists, and
    texts of some lines below or above the only line that asks. Nothing with gaps to fill is data; where the turn
    asks whether it is true, neither are records, lists and texts."""
    if any(_CALL.search(line) or (by and finishes(line, by)) for line in lines):
        return
    for is_data in (_is_row, _is_cells, _LOG.match, _CODE.match):
        for run in _runs(lines, is_data):
            is_quiz = is_data in (_is_row, _is_cells) and not LABELS.isdisjoint(words(lines[run[0]]))
            if not (is_quiz or any(_EMPTY.search(lines[place]) or _is_bare(lines[place]) for place in run)):
                yield from run
    data = {place for place, line in enumerate(lines) if _DATA.search(line)}
    asked = any(_ASKS.search(lines[place]) for place in data)
    if not any(_is_request_body(lines[place]) for place in data) and (
        not asked or any(asks_at_all(line, by) for place, line in enumerate(lines) if place not in data)
    ):
        yield from data
    end = max((place for place, line in enumerate(lines) if line.strip()), default=0)
    for run in _runs(lines, _RECORD.match):
        is_asked = any(_is_request(lines[place]) for place in run) or _is_begun(lines, run, end)
        if _is_mail(lines[run[0]]) or not (is_asked or is_guess):
            yield from run
    if by and not is_guess:
        yield from _list(lines, by)
        yield from _text(lines, by)


def _list(lines: Sequence[str], by: Grammar) -> Iterator[int]:
    """Yield the places of lists that neither ask nor are asked for."""
    listed = [place for run in _runs(lines, _is_item) for place in run]
    if not listed or _UNFILLED.fullmatch(lines[listed[-1]].strip()):
        return
    if not any(asks_item(lines[place].strip(_BULLETS), by) for place in listed):
        before = _before(lines, listed[0])
        if not (before and (asks(before, by) or not (LABELS | MANNER).isdisjoint(words(before)))):
            yield from listed


def _text(lines: Sequence[str], by: Grammar) -> Iterator[int]:
    """Yield the places of at least MIN_TEXT_LINES lines that do not ask, below or above the only one that does."""
    full = [place for place, line in enumerate(lines) if line.strip()]
    if len(full) <= MIN_TEXT_LINES or any(_EMPTY.search(lines[place]) for place in full):
        return
    first, last = lines[full[0]], lines[full[-1]]
    if asks(last, by) and not last.rstrip().endswith((":", "：")):
        inner, request = full[:-1], last
    elif asks(first, by) and not first.rstrip().endswith((":", "：")):
        inner, request = full[1:], first
        # Options without marks.
        if all(len(words(lines[place])) <= MAX_OPTION_WORDS for place in inner):
            return
    else:
        return
    form = any(_UNFILLED.fullmatch(lines[place].strip()) or _is_request(lines[place]) for place in inner)
    # A prompt that tells the model who it is.
    form |= any(not by.doubt.isdisjoint(words(lines[place])[:1]) for place in inner)
    is_exercise = not (by.choice | LABELS).isdisjoint(words(request))
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
    return len(_PIPE.findall(line)) >= MIN_CELLS - 1


def _is_cells(line: str) -> str:
    """Return the separator and the number of cells of a line with several short ones; "" if it has none."""
    for separator in _SEPARATORS:
        count = line.count(separator) + 1
        if count < MIN_CELLS or line.rstrip().endswith((".", "?", "!")):
            continue
        if all(len(cell) <= MAX_CELL_CHARS for cell in line.split(separator)):
            return f"{separator}{count}"
    return ""


def _is_bare(line: str) -> bool:
    """Whether one cell of a line is full, and the others are not."""
    cells = _CELL.split(line)
    return len(cells) >= MIN_CELLS and sum(bool(cell.strip()) for cell in cells) == 1


def _is_request_body(line: str) -> bool:
    """Whether a line of JSON, code or markup asks a model, or leaves something out."""
    return bool(_EMPTY.search(line)) or not LABELS.isdisjoint(words(line))


def _is_item(line: str) -> bool:
    return bool(_LISTED.match(line)) and not _LETTERED.match(line)


def _is_request(line: str) -> bool:
    """Whether a record asks for something: its label says so, it is a turn of a chat with a model, or a gap."""
    match = _RECORD.match(line)
    if not match:
        return False
    # "Option 2: ..."
    label = [word for word in words(match[1]) if not word.isdigit()]
    return not _ASKED.isdisjoint(label[-1:]) or bool(_GAP.fullmatch(match[2]))


def _is_begun(lines: Sequence[str], run: Sequence[int], end: int) -> bool:
    """Whether the last line is a label without its text, of these records or below them: it is to be completed."""
    last = lines[end].strip()
    if not _UNFILLED.fullmatch(last):
        return False
    return end == run[-1] + 1 or any(lines[place].strip().startswith(last) for place in run)


def _is_mail(line: str) -> bool:
    match = _RECORD.match(line)
    return bool(match and FROM.intersection(words(match[1])[-1:]))


def _has_options(line: str) -> bool:
    marks = {mark.lower() for mark in _MARK.findall(line)}
    return {"a", "b"} <= marks or {"1", "2"} <= marks
