"""The rule of supplied text: which parts of a conversation say something that an answer may repeat.

What a tool returned and what is given as a document is supplied whole. Of a turn of user or system, this is:

* what stands in a fence, in a quotation by `>`, between tags on lines of their own, or below a label ("Context:"),
* quotation marks with at least QUOTED_WORDS words,
* the text that a task is done on: where a line begins with a word like "Translate", all other lines, and what
  follows its colon,
* the sentence that asks for a letter or a message to somebody,
* statements: sentences of at least STATEMENT_WORDS words with a full stop that neither ask, order, doubt, speak to
  the model nor offer a choice; none, where the turn asks whether they are true.

Turns of the assistant, prompts without roles and context supply nothing. In doubt a text is not supplied.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from guard.supplied.layout import options, pasted
from guard.supplied.statement import (
    asks,
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
from guard.supplied.words import QUESTIONS, TEXTS, TOPICS, Grammar
from guard.text.conversation import Message

QUOTED_WORDS = 8

WHOLE_ROLES = frozenset({"tool", "function", "document"})
RULED_ROLES = frozenset({"user", "system", "developer"})

_FENCE = re.compile(r"\s*(?:```|~~~)")
_TAG = re.compile(r"\s*<(/?)([A-Za-z][\w-]*)(?:\s[^<>]*)?>\s*$")
_INLINE = re.compile(r"<([A-Za-z][\w-]*)(?:\s[^<>]*)?>([^<>]+)</\1>")
# Possessive: a line of hyphens is read once.
_LABEL = re.compile(r"\W*+([\w-]++)(?:\s+\d+)?\s*[:：]")
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


class _Turn:
    """One turn, read line by line: the parts that are `given`, and the `rest`."""

    def __init__(self, text: str) -> None:
        self.given: list[str] = []
        self.rest: list[str] = []
        lines = text.splitlines()
        by = grammar_of([line for line in lines if line.strip()])
        said = [sentence for line in lines for sentence in sentences(line)]
        self._confirms = by is not None and any(confirms(sentence, by) for sentence in said)
        own = self._without_blocks(lines, by)
        texts = [line.text for line in own]
        tasks = {place for place, line in enumerate(texts) if _has_task(line)}
        chosen = set(options(texts, by)) if by else set()
        data = set(pasted(texts, by)) - chosen
        pointed = by is not None and not (chosen or self._confirms) and any(points(line, by) for line in texts)
        for place, line in enumerate(own):
            if place in tasks:
                self._read_task(line.text, by)
            elif tasks or place in data:
                self.given.append(line.text)
            elif by is None or self._confirms or place in chosen or not line.states:
                self._read_sentences(line.text, lambda sentence: False)
            elif pointed and not points(line.text, by):
                self._read_sentences(line.text, lambda sentence: not asks(sentence, by))
            else:
                self._read_sentences(line.text, lambda sentence: is_statement(sentence, by))

    def _without_blocks(self, lines: Sequence[str], by: Grammar | None) -> list[_Line]:
        """Return the lines outside of blocks; those inside are given."""
        closing = _closing(lines)
        own: list[_Line] = []
        place, labelled = 0, False
        while place < len(lines):
            line = lines[place]
            end = closing.get(place)
            label = _LABEL.match(line)
            word = label[1].lower() if label else ""
            if end is not None:
                self.given += lines[place + 1 : end]
                place = end
            elif word in TEXTS and label:
                labelled = True
                self.given.append(line[label.end() :])
            elif word in QUESTIONS and label:
                labelled = False
                own.append(_Line(line[label.end() :]))
            elif labelled or line.lstrip().startswith(">"):
                self.given.append(line)
            else:
                own.append(_Line(self._without_quotes(line, by), word not in TOPICS))
            place += 1
        return own

    def _without_quotes(self, line: str, by: Grammar | None) -> str:
        def take(text: str) -> str:
            self.given.append(text)
            return " "

        def quoted(match: re.Match[str]) -> str:
            is_text = len(words(match[1])) >= QUOTED_WORDS and not has_blank(match[1])
            return take(match[1]) if is_text else match[0]

        line = _INLINE.sub(lambda match: take(match[2]), line)
        return line if self._confirms or (by and finishes(line, by)) else _QUOTED.sub(quoted, line)

    def _read_task(self, line: str, by: Grammar | None) -> None:
        """Read a line with a task: what follows its colon is the text, or else the line's other sentences are."""
        head, colon, text = line.partition(":")
        if colon:
            self.rest.append(head)
            self.given.append(text)
        else:
            self._read_sentences(line, lambda one: by is not None and not is_task(one) and not asks(one, by))

    def _read_sentences(self, line: str, is_given: Callable[[str], bool]) -> None:
        for sentence in sentences(line):
            taken = is_letter(words(sentence)) or is_given(sentence)
            (self.given if taken else self.rest).append(sentence)


def _has_task(line: str) -> bool:
    return any(is_task(sentence) for sentence in sentences(line))


def _closing(lines: Sequence[str]) -> dict[int, int]:
    """Return, by the line that opens a block, the line that closes it. A block that is never closed is none."""
    ends: dict[int, int] = {}
    fence: int | None = None
    open_tags: dict[str, list[int]] = {}
    for place, line in enumerate(lines):
        tag = _TAG.match(line)
        if _FENCE.match(line):
            if fence is None:
                fence = place
            else:
                ends[fence], fence = place, None
        elif tag and not tag[1]:
            open_tags.setdefault(tag[2], []).append(place)
        elif tag and open_tags.get(tag[2]):
            ends[open_tags[tag[2]].pop()] = place
    return ends
