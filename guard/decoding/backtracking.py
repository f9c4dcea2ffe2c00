"""Rewinding: an answer that headed into a phrase is taken back to the word in which the phrase began.

The mask keeps a phrase from being completed; the model may by then stand in the middle of a name that it can only
break off. So a worker that sees half of the mass or more on what completes the phrase gives the row up instead, by
a token that ends it, and the answer goes on from the last token before the word, with another beginning than that.
What may still be taken back has not left: hence the hold-back here, of whole words.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from guard.matching.automaton import Automaton
from guard.matching.scanner import Scanner

RETURNS = 4
"""How many beginnings are given up at one place before the mask alone decides there."""
MOST_RETURNS = 32
"""How often one answer is taken back; from then on the mask alone decides."""
# How many tokens before a piece its text is read with: a tokenizer may join a token to the one before.
_CONTEXT = 8


def token_of(special: Collection[int], ends: Collection[int]) -> int | None:
    """Return the id by which a row gives itself up: of a special token that ends no answer; None without one."""
    return min((token for token in special if token not in ends), default=None)


class Wording(NamedTuple):
    """What an answer is begun anew by: the id `token` by which a row gives itself up, and how ids read as text."""

    token: int
    text: Callable[[Sequence[int]], str]


class Piece(NamedTuple):
    """Tokens of an answer, one or more, and the characters that they complete."""

    tokens: Sequence[int]
    text: str


def parted(wording: Wording, before: Sequence[int], whole: Piece) -> list[Piece]:
    """Return the pieces of one token each that were sent together as `whole`, after the ids `before`.

    An engine sends together what was said while nobody fetched it; an answer must not depend on that. Where the
    tokens by themselves do not read as they were sent, `whole` is one piece.
    """
    tokens = [*before[-_CONTEXT:], *whole.tokens]
    known, pieces = "", []
    for count, token in enumerate(tokens, start=1):
        pieces.append(Piece([token], completed(known, wording.text(tokens[:count]))))
        known += pieces[-1].text
    own = pieces[len(tokens) - len(whole.tokens) :]
    return own if "".join(piece.text for piece in own) == whole.text else [whole]


def completed(known: str, read: str) -> str:
    """Return the characters that one token more completes: what `read`, with it, says beyond `known`, without."""
    # A character whose last byte is not said yet is none, and can make those before it unreadable until then.
    whole = read.rstrip("\N{REPLACEMENT CHARACTER}")
    return whole.removeprefix(known) if whole.startswith(known) else ""


class Again(NamedTuple):
    """How an answer goes on: after which of its tokens, and not with which; `rewind`: whether it may be given up
    again."""

    tokens: tuple[int, ...]
    avoided: tuple[int, ...]
    rewind: bool


class Written:
    """An answer under way, which comes in pieces of a token or more; `seed` is the text it continues.

    What has been released is never taken back.
    """

    def __init__(self, automata: Sequence[Automaton], seed: str = "") -> None:
        self._automata = automata
        self._seed = seed
        self._scanner = Scanner(automata, seed)
        self._tokens: list[int] = []
        self._text = ""
        self._released = 0
        # Where pieces begin and end: counts of tokens, and of the characters they come to.
        self._counts = [0]
        self._lengths = [0]
        self._avoided: dict[int, set[int]] = {}
        self._returns = 0

    @property
    def text(self) -> str:
        """The text of the answer so far, released or not."""
        return self._text

    @property
    def tokens(self) -> tuple[int, ...]:
        """The ids of the answer so far."""
        return tuple(self._tokens)

    def say(self, tokens: Sequence[int], text: str) -> str:
        """Take the next piece and return what may leave: all before the word in which a match has begun."""
        self._tokens += tokens
        self._text += text
        self._scanner.feed(text)
        self._counts.append(len(self._tokens))
        self._lengths.append(len(self._text))
        return self._release(self._lengths[self._turn()])

    def finish(self) -> str:
        """Return what has not left, as nothing will be taken back any more."""
        return self._release(len(self._text))

    def rewind(self) -> Again:
        """Return how to go on after the row was given up; the pieces from there on are forgotten.

        Where there is nothing to take back, or it was tried often enough, the answer goes on as it is.
        """
        place = self._turn()
        count = self._counts[place]
        self._returns += 1
        again = self._returns <= MOST_RETURNS
        if not again or count == len(self._tokens) or len(self._avoided.get(count, ())) >= RETURNS:
            return Again(self.tokens, (), again)
        self._avoided = {at: tokens for at, tokens in self._avoided.items() if at <= count}
        self._avoided.setdefault(count, set()).add(self._tokens[count])
        self._text = self._text[: self._lengths[place]]
        del self._tokens[count:], self._counts[place + 1 :], self._lengths[place + 1 :]
        self._scanner = Scanner(self._automata, self._seed + self._text)
        return Again(self.tokens, tuple(sorted(self._avoided[count])), rewind=True)

    def _turn(self) -> int:
        """Return the piece, of those not released, with which the word of the match in progress begins."""
        begun = len(self._text) - len(self._scanner.held)
        while begun < len(self._text) and begun > self._released and not self._text[begun - 1].isspace():
            begun -= 1
        place = bisect_right(self._lengths, max(begun, self._released)) - 1
        # A piece without text is the beginning of a character.
        return bisect_left(self._lengths, self._lengths[place])

    def _release(self, length: int) -> str:
        released = self._text[self._released : length]
        self._released = max(self._released, length)
        return released
