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
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from guard.supplied.words import ASKING, CONFIRM, DOUBT, LETTERS, QUESTIONS, TEXTS, TO, WORK
from guard.text.conversation import Message

QUOTED_WORDS = 8
STATEMENT_WORDS = 4
# Shorter questions are about what was said before: "Is that right?"
MAX_CONFIRM_WORDS = 6
# Words before the verb of a task, as in "Could you please translate".
MAX_POLITE_WORDS = 4
MAX_SHORTENED_CHARS = 8

WHOLE_ROLES = frozenset({"tool", "function", "document"})
RULED_ROLES = frozenset({"user", "system", "developer"})

_FENCE = re.compile(r"\s*(?:```|~~~)")
_TAG = re.compile(r"\s*<(/?)([A-Za-z][\w-]*)>\s*$")
_INLINE = re.compile(r"<([A-Za-z][\w-]*)>([^<>]+)</\1>")
# Possessive: a line of hyphens is read once.
_LABEL = re.compile(r"\W*+([\w-]++)(?:\s+\d+)?\s*[:：]")
_QUOTED = re.compile(r"[\"“„”«»「『]([^\"“„”«»「」『』]+)[\"“”«»」』]")
_BLANK = re.compile(r"_{2,}|\.{3}|…|\[[A-Z]+\]")
_SENTENCE = re.compile(r"(?:[^.!?。！？]|[.](?=\S))+[.!?。！？]*")
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
# A full stop after one of these, or after a single letter, ends no sentence.
_SHORTENED = re.compile(r"\b(?:[A-Z]|Dr|Mr|Mrs|Ms|Prof|St|Sr|Jr|No|Nr|Sra|Mme|Mlle)\.$")


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


class _Turn:
    """One turn, read line by line: the parts that are `given`, and the `rest`."""

    def __init__(self, text: str) -> None:
        self.given: list[str] = []
        self.rest: list[str] = []
        own = self._without_blocks(text.splitlines())
        words = [_words(line) for line in own]
        tasks = {place for place, line in enumerate(words) if _is_work(line)}
        confirms = any(map(_confirms, own))
        for place, line in enumerate(own):
            if tasks and place not in tasks:
                self.given.append(line)
            elif tasks:
                self._read_task(line)
            else:
                self._read_sentences(line, confirms)

    def _without_blocks(self, lines: Sequence[str]) -> list[str]:
        """Return the lines outside of blocks; those inside are given."""
        closing = _closing(lines)
        own: list[str] = []
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
                own.append(line[label.end() :])
            elif labelled or line.lstrip().startswith(">"):
                self.given.append(line)
            else:
                own.append(self._without_quotes(line))
            place += 1
        return own

    def _without_quotes(self, line: str) -> str:
        def take(text: str) -> str:
            self.given.append(text)
            return " "

        line = _INLINE.sub(lambda match: take(match[2]), line)
        return _QUOTED.sub(
            lambda match: take(match[1]) if len(_words(match[1])) >= QUOTED_WORDS else match[0], line
        )

    def _read_task(self, line: str) -> None:
        head, colon, text = line.partition(":")
        self.rest.append(head)
        if colon:
            self.given.append(text)

    def _read_sentences(self, line: str, confirms: bool) -> None:
        for sentence in sentences(line):
            words = _words(sentence)
            is_given = _is_letter(words) or (not confirms and _is_statement(sentence, words))
            (self.given if is_given else self.rest).append(sentence)


def sentences(line: str) -> Iterator[str]:
    """Yield the sentences of a line, with their stops."""
    start = 0
    for match in _SENTENCE.finditer(line):
        if not _SHORTENED.search(match[0][-MAX_SHORTENED_CHARS:]):
            yield line[start : match.end()].strip()
            start = match.end()
    if line[start:].strip():
        yield line[start:].strip()


def _words(text: str) -> list[str]:
    return [match[0].lower() for match in _WORD.finditer(text)]


def _is_work(words: Sequence[str]) -> bool:
    return any(word in WORK for word in words[: MAX_POLITE_WORDS + 1])


def _is_letter(words: Sequence[str]) -> bool:
    """Whether a sentence asks for something to be written to somebody."""
    return any(word in LETTERS and words[place + 1] in TO for place, word in enumerate(words[:-1]))


def _is_statement(sentence: str, words: Sequence[str]) -> bool:
    return (
        len(words) >= STATEMENT_WORDS
        and sentence[-1] in ".!。！"
        and words[0] not in ASKING
        and not DOUBT.intersection(words)
        and not _BLANK.search(sentence)
    )


def _confirms(line: str) -> bool:
    """Whether a line has a short question that asks if something is true."""
    asked = (_words(sentence) for sentence in sentences(line) if sentence[-1:] in "?？")
    return any(CONFIRM.intersection(words[-MAX_CONFIRM_WORDS:]) for words in asked)


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
