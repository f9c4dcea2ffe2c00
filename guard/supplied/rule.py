"""The rule of supplied text: which parts of a conversation say something that an answer may repeat.

What a tool returned and what is given as a document is supplied whole. Of a turn of user or system, this is:

* what stands in a fence, in a quotation by `>`, between tags, or below a label ("Context:"), unless it only asks
  and nothing else does,
* quotation marks with at least QUOTED_WORDS words and no gap,
* the text that a task is done on: where a sentence begins with a word like "Translate", all other lines, and what
  follows its colon; where a line asks about "this" or "the following", all other lines that do not ask themselves,
* data by their layout (`layout.py`): tables, records, logs, JSON, code, lists that are not asked for,
* the sentence that asks for a letter or a message to somebody,
* statements (`statement.py`).

Statements, quotations, records and lists are not supplied where the turn asks whether they are true; options to
choose from never are. Turns of the assistant, prompts without roles and context supply nothing, and neither do
statements in languages that `words.txt` lacks. In doubt a text is not supplied.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

from guard.supplied.layout import options, pasted
from guard.supplied.statement import (
    STATEMENT_WORDS,
    asks,
    asks_at_all,
    asks_item,
    confirms,
    finishes,
    grammar_of,
    has_blank,
    is_letter,
    is_statement,
    is_task,
    points,
    sentences,
    words,
)
from guard.supplied.words import FIELDS, LABELS, LETTER_TAGS, MANNER, QUESTIONS, TEXTS, TOPICS, TURNS, Grammar
from guard.text.conversation import Message

QUOTED_WORDS = 8

WHOLE_ROLES = frozenset({"tool", "function", "document"})
RULED_ROLES = frozenset({"user", "system", "developer"})

# A rule of hyphens or quotation marks fences as well, where it is all of a line.
_FENCE = re.compile(r"\s*(?:(```|~~~)|(\"\"\"|'''|-{16,}|={16,})\s*$)")
_TAG = re.compile(r"\s*<(/?)([A-Za-z][\w-]*)(?:\s[^<>]*)?>\s*$")
_INLINE = re.compile(r"<([A-Za-z][\w-]*)(?:\s[^<>]*)?>([^<>]+)</\1>")
# Possessive: a line of hyphens is read once. A heading needs no colon.
_LABEL = re.compile(
    r"\W*+([\w-]++)(?:\s+([\w-]++))?(?:\s*\*\*)?\s*[:：]|\s*(?:#{1,6}|={3,}|\*\*)\s*(\w++)(?:\s+(\w++))?[\s=*#]*$"
)
_QUOTED = re.compile(r"[\"“„”«»「『]([^\"“„”«»「」『』]+)[\"“”«»」』]")


class Supplied(NamedTuple):
    """A conversation in two: the text that it supplies, and the messages without that."""

    text: str
    rest: tuple[Message, ...]


def supplied(conversation: Sequence[Message]) -> Supplied:
    """Return what a conversation supplies, and its messages without what is supplied. Takes linear time."""
    given: list[str] = []
    rest: list[Message] = []
    for message in conversation:
        if message.role in WHOLE_ROLES:
            given.append(message.text)
        elif message.role in RULED_ROLES:
            turn = _Turn(message.written or message.text)
            given += turn.given
            rest.append(Message(message.role, "\n".join(turn.rest)))
        else:
            rest.append(message)
    return Supplied("\n".join(given), tuple(rest))


class _Line(NamedTuple):
    """A line of a turn that is in no block; `states` is False for one that only names what is to be told."""

    text: str
    states: bool = True


class _Places(NamedTuple):
    """Places of lines with `tasks`, with `data`, of options to be `chosen`, and those `pointing` at others."""

    tasks: set[int]
    data: set[int]
    chosen: set[int]
    pointing: set[int]


class _Turn:
    """One turn, read line by line: the parts that are `given`, and the `rest`."""

    def __init__(self, text: str) -> None:
        self.given: list[str] = []
        self.rest: list[str] = []
        # Whether a label's text goes on to the end.
        self._is_open = False
        own = self._without_blocks(text.splitlines())
        by = grammar_of([line.text for line in own if line.text.strip()] or self.given)
        if self.given and not any(asks_at_all(line.text, by) for line in own):
            own += self._without_questions(by)
        is_guess = by is not None and any(confirms(one, by) for line in own for one in sentences(line.text))
        if not is_guess:
            own = [line._replace(text=self._without_quotes(line.text, by)) for line in own]
        places = _places([line.text for line in own], by, is_guess=is_guess)
        for place, line in enumerate(own):
            if place in places.tasks:
                self._read_task(line.text, by)
            elif place in places.data:
                self.given.append(line.text)
            elif by is None or is_guess or place in places.chosen or not line.states:
                self._read_sentences(line.text, lambda sentence: False)
            elif places.pointing and not places.chosen and place not in places.pointing:
                self._read_sentences(line.text, lambda sentence: not asks_item(sentence, by))
            else:
                self._read_sentences(line.text, lambda sentence: is_statement(sentence, by))

    def _without_blocks(self, lines: Sequence[str]) -> list[_Line]:
        """Return the lines outside of blocks; those inside are given."""
        closing = _closing(lines)
        own: list[_Line] = []
        place, labelled = 0, False
        while place < len(lines):
            line = lines[place]
            end = closing.get(place)
            label = _LABEL.match(line)
            named = {word.lower() for word in label.groups("")} if label else set()
            if end is not None:
                self.given += lines[place + 1 : end]
                place = end
            elif label and named & TEXTS and named.isdisjoint(FIELDS):
                labelled = True
                self.given.append(line[label.end() :])
            elif label and (named & QUESTIONS or (label[3] and named & MANNER)):
                labelled = False
                own.append(_Line(line[label.end() :]))
            elif labelled or line.lstrip().startswith(">"):
                self.given.append(line)
            else:
                own.append(_Line(_INLINE.sub(self._take_inline, line), named.isdisjoint(TOPICS)))
            place += 1
        self._is_open = labelled
        return own

    def _without_questions(self, by: Grammar | None) -> list[_Line]:
        """Take back what asks in blocks where nothing else does: all lines, or the last below the last label."""
        while self.given and not self.given[-1].strip():
            self.given.pop()
        if all(asks_at_all(line, by) for line in self.given if line.strip()):
            count = len(self.given)
        else:
            asked = takewhile(lambda line: line.strip() and asks_at_all(line, by), reversed(self.given))
            count = sum(1 for _ in asked) if self._is_open else 0
        place = len(self.given) - count
        own, self.given = self.given[place:], self.given[:place]
        return [_Line(text) for text in own]

    def _take_inline(self, match: re.Match[str]) -> str:
        if _is_request(match[1]) or match[1].lower() in LETTER_TAGS:
            return match[0]
        self.given.append(match[2])
        return "\n"

    def _without_quotes(self, line: str, by: Grammar | None) -> str:
        def take(match: re.Match[str]) -> str:
            if len(words(match[1])) < QUOTED_WORDS or has_blank(match[1]):
                return match[0]
            self.given.append(match[1])
            return "\n"

        return line if by and finishes(line, by) else _QUOTED.sub(take, line)

    def _read_task(self, line: str, by: Grammar | None) -> None:
        """Read a line with a task: what follows its colon is the text, or else the line's other sentences are."""
        head, colon, text = line.partition(":")
        if colon:
            self._read_sentences(head, lambda one: by is not None and is_statement(one, by))
            self.given.append(text)
        else:
            self._read_sentences(line, lambda one: by is not None and not is_task(one) and not asks(one, by))

    def _read_sentences(self, line: str, is_given: Callable[[str], bool]) -> None:
        for sentence in sentences(line):
            taken = is_letter(words(sentence)) or is_given(sentence)
            (self.given if taken else self.rest).append(sentence)


def _places(lines: Sequence[str], by: Grammar | None, *, is_guess: bool) -> _Places:
    """Return which lines of a turn are more than sentences; where it is a guess, none points at others."""
    chosen = set(options(lines, by)) if by else set()
    pointing = {place for place, line in enumerate(lines) if by is not None and not is_guess and points(line, by)}
    if sum(_words_besides(line, place in pointing) for place, line in enumerate(lines)) < STATEMENT_WORDS:
        pointing = set()
    tasks = {place for place, line in enumerate(lines) if any(_hands_over(one, by) for one in sentences(line))}
    tasks |= {place for place in pointing if ":" in lines[place] and not chosen}
    data = (set(pasted(lines, by, is_guess=is_guess)) - chosen) | set(_worked_on(lines, tasks, by))
    return _Places(tasks, data, chosen, pointing)


def _hands_over(sentence: str, by: Grammar | None) -> bool:
    """Whether a sentence hands over a text to work on, rather than claims: "Sort them into true and false"."""
    return is_task(sentence) and (by is None or len(by.confirm.intersection(words(sentence))) < 2)


def _worked_on(lines: Sequence[str], tasks: set[int], by: Grammar | None) -> Iterator[int]:
    """Yield the places of the lines that tasks are done on: all, but not questions and orders alone above a task.

    "Where was she born?", and on the next line "Format the answer as JSON."
    """
    if not tasks:
        return
    first = min(tasks)
    above = [line for line in lines[:first] if line.strip()]
    points_up = by is not None and not by.pointing.isdisjoint(words(lines[first]))
    is_text = points_up or not all(asks_at_all(line, by) for line in above)
    yield from range(0 if is_text else first, len(lines))


def _words_besides(line: str, points: bool) -> int:
    """Return the number of words of a line that it may supply: of one that points, those behind its colon."""
    return len(words(line.partition(":")[2] if points else line))


def _closing(lines: Sequence[str]) -> dict[int, int]:
    """Return, by the line that opens a block, the line that closes it. A block that is never closed is none."""
    ends: dict[int, int] = {}
    fences: dict[str, int] = {}
    open_tags: dict[str, list[int]] = {}
    for place, line in enumerate(lines):
        tag = _TAG.match(line)
        if fence := _FENCE.match(line):
            kind = (fence[1] or fence[2])[:3]
            if kind in fences:
                ends[fences.pop(kind)] = place
            else:
                fences[kind] = place
        elif tag and not tag[1] and not _is_request(tag[2]):
            open_tags.setdefault(tag[2], []).append(place)
        elif tag and open_tags.get(tag[2]):
            ends[open_tags[tag[2]].pop()] = place
    return ends


def _is_request(tag: str) -> bool:
    """Whether a tag like <user_query> or <task> marks what is asked."""
    return not (LABELS | TURNS).isdisjoint(re.split("[-_]", tag.lower()))
