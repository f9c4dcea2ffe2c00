"""Backtracking (rollback): an answer about to say a phrase is cut back to the word in which the phrase began.

The mask keeps a phrase from being completed; by then the model may be in the middle of a name that it can only
break off. So a worker in which the likeliest token would complete the phrase, or tokens with half of the mass
would, aborts the row, by a special token that ends it. The server continues the answer from the last token before
the word, or before the first word of the phrase that tells it from others ("Lord" in "The Lord of the Rings"), and
does not begin that word again there, in whatever tokens. A model that wants to say a name tries again in the next
sentence: the token that begins such a telling word is barred from the rest of the answer. Only text that has not
been released can be taken back: hence the hold-back here, of whole words.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from guard.matching.automaton import Automaton
from guard.matching.scanner import Scanner
from guard.text.lexicon import is_frequent

MAX_ATTEMPTS_PER_POSITION = 4
"""First tokens rejected at one position; after that the mask alone decides there."""
MAX_BACKTRACKS = 32
"""Backtracks of one answer; after that the mask alone decides."""
MIN_BARRED_LETTERS = 3
"""Letters of a token that begins a word from which on the word is barred once it led to a phrase."""
# Tokens of context before a piece when its text is decoded: a tokenizer may join a token to the one before it.
_CONTEXT_TOKENS = 8


def choose_abort_token(special: Collection[int], ends: Collection[int]) -> int | None:
    """Return the id of a special token that ends no answer, for a row to abort by; None if there is none."""
    return min((token for token in special if token not in ends), default=None)


class AbortToken(NamedTuple):
    """What backtracking needs of a tokenizer: the id `token` by which a row aborts, and how ids decode to text."""

    token: int
    decode: Callable[[Sequence[int]], str]


class Piece(NamedTuple):
    """Tokens of an answer, one or more, and the characters that they complete."""

    tokens: Sequence[int]
    text: str


def split_piece(abort_token: AbortToken, before: Sequence[int], piece: Piece) -> list[Piece]:
    """Split a piece of several tokens, sent after the ids `before`, into pieces of one token each.

    An engine sends tokens together when nobody fetched them in time; an answer must not depend on that. Where the
    tokens one by one do not decode to the text that was sent, `piece` is returned as it is.
    """
    tokens = [*before[-_CONTEXT_TOKENS:], *piece.tokens]
    known, pieces = "", []
    for count, token in enumerate(tokens, start=1):
        pieces.append(Piece([token], completed_text(known, abort_token.decode(tokens[:count]))))
        known += pieces[-1].text
    split = pieces[len(tokens) - len(piece.tokens) :]
    return split if "".join(one.text for one in split) == piece.text else [piece]


def completed_text(known: str, decoded: str) -> str:
    """Return the characters that one more token completes: `decoded`, with the token, less `known`, without it."""
    # A character whose last byte is still to come decodes to U+FFFD, and can garble those before it until then.
    complete = decoded.rstrip("\N{REPLACEMENT CHARACTER}")
    return complete.removeprefix(known) if complete.startswith(known) else ""


class Restart(NamedTuple):
    """How an answer continues: after which of its tokens, not with which first token, whether it may abort, and
    which tokens are barred from it altogether."""

    tokens: tuple[int, ...]
    avoided: tuple[int, ...]
    may_abort: bool
    barred: tuple[int, ...] = ()


class Backtracker:
    """An answer in progress, which comes in pieces of one or more tokens; `seed` is the text it continues.

    Released text is never taken back.
    """

    def __init__(self, automata: Sequence[Automaton], seed: str = "") -> None:
        self._automata = automata
        self._seed = seed
        self._scanner = Scanner(automata, seed)
        self._tokens: list[int] = []
        self._text = ""
        self._released = 0
        # Where pieces begin and end: counts of tokens, and lengths of the text up to there.
        self._counts = [0]
        self._lengths = [0]
        # By token count: the first tokens that led to an abort from there.
        self._avoided: dict[int, set[int]] = {}
        self._backtracks = 0
        self._barred: set[int] = set()

    @property
    def text(self) -> str:
        """The text of the answer so far, released or not."""
        return self._text

    @property
    def tokens(self) -> tuple[int, ...]:
        """The ids of the answer so far."""
        return tuple(self._tokens)

    def begin(self, tokens: Sequence[int], text: str) -> None:
        """Take the beginning of the answer, which was released before: none of it is taken back."""
        self._tokens, self._text, self._released = list(tokens), text, len(text)
        self._counts, self._lengths = [len(self._tokens)], [len(text)]
        self._scanner = Scanner(self._automata, self._seed + text)

    def feed(self, tokens: Sequence[int], text: str) -> str:
        """Take the next piece and return what may be released: all before the word in which a match has begun."""
        self._tokens += tokens
        self._text += text
        self._scanner.feed(text)
        self._counts.append(len(self._tokens))
        self._lengths.append(len(self._text))
        return self._release(self._lengths[self._restart_piece()])

    def finish(self) -> str:
        """Return the text not yet released, as nothing will be taken back any more."""
        return self._release(len(self._text))

    def backtrack(self) -> Restart:
        """Drop the pieces from the restart point on, after the row aborted, and return how to continue.

        Where there is nothing to take back, or it was tried often enough, nothing is dropped.
        """
        begun = self._restart_piece()
        telling = self._telling_piece(begun)
        piece = begun if telling is None else telling
        count = self._counts[piece]
        self._backtracks += 1
        may_abort = self._backtracks <= MAX_BACKTRACKS
        exhausted = len(self._avoided.get(count, ())) >= MAX_ATTEMPTS_PER_POSITION
        if not may_abort or count == len(self._tokens) or exhausted:
            return self._restart((), may_abort=may_abort)
        self._avoided = {at: tokens for at, tokens in self._avoided.items() if at <= count}
        self._avoided.setdefault(count, set()).add(self._tokens[count])
        if telling is not None:
            self._barred.add(self._tokens[count])
        self._text = self._text[: self._lengths[piece]]
        del self._tokens[count:], self._counts[piece + 1 :], self._lengths[piece + 1 :]
        self._scanner = Scanner(self._automata, self._seed + self._text)
        return self._restart(self._avoided[count], may_abort=True)

    def _restart(self, avoided: Iterable[int], *, may_abort: bool) -> Restart:
        return Restart(self.tokens, tuple(sorted(avoided)), may_abort, tuple(sorted(self._barred)))

    def _telling_piece(self, first: int) -> int | None:
        """Return the index of the first piece, from `first` on, whose token tells the word that it begins; None if
        anything but common words stands before it, as initials do."""
        for piece in range(first, len(self._counts) - 1):
            start, end = self._lengths[piece : piece + 2]
            text, before = self._text[start:end], self._text[start - 1 : start]
            is_token = self._counts[piece + 1] - self._counts[piece] == 1
            if is_token and (text[:1].isspace() or not before.isalnum()) and _tells_word(text):
                return piece
            if not _is_common(text):
                return None
        return None

    def _restart_piece(self) -> int:
        """Return the index of the unreleased piece with which the word of the match in progress begins."""
        begun = len(self._text) - len(self._scanner.held)
        while begun < len(self._text) and begun > self._released and not self._text[begun - 1].isspace():
            begun -= 1
        piece = bisect_right(self._lengths, max(begun, self._released)) - 1
        # A piece without text is the beginning of a character.
        return bisect_left(self._lengths, self._lengths[piece])

    def _release(self, length: int) -> str:
        released = self._text[self._released : length]
        self._released = max(self._released, length)
        return released


def _tells_word(piece: str) -> bool:
    """Whether a token that begins a word has enough of it to tell it from most others."""
    word = piece.strip()
    return len(word) >= MIN_BARRED_LETTERS and word.isalpha() and not _is_common(word)


def _is_common(piece: str) -> bool:
    """Whether a token is a very common word of some language, or no word at all; a full stop ends initials."""
    word = piece.strip().strip("\"'“”„«»‘’")
    return not word or (len(word) > 1 and is_frequent(word))
