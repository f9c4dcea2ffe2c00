"""The vocabulary of a tokenizer: what each token adds to the text, as bytes and as folded text."""

from __future__ import annotations

import codecs
from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from guard.decoding.tokenizer import read_tokens
from guard.matching.patterns import collapsed, read
from guard.trie.trie import Trie


class DecodedBytes(NamedTuple):
    """Bytes decoded as UTF-8: the folded complete characters, and the bytes of an unfinished last one."""

    folded: bytes
    pending: bytes


def decode_bytes(data: bytes, *, borders: bool = False) -> DecodedBytes:
    """Return what `data` decodes to, with its word borders or without, as automata read it.

    Bytes that are no UTF-8 decode to U+FFFD, which reads as nothing.
    """
    text, used = codecs.utf_8_decode(data, "replace", False)
    return DecodedBytes(collapsed(read(text, borders=borders)), data[used:])


@dataclass(frozen=True, slots=True, repr=False)
class TokenTrie:
    """The trie of the folded bytes that tokens add, and the tokens in that order; those adding none are left out.

    trie    of the distinct folded bytes
    tokens  int64 [tokens]      ids
    ends    int32 [tokens]      the node of each token
    ranges  int64 [nodes, 2]    [first, last) of the tokens at or below each node
    keys    int64 [nodes - 1]   parent * 256 + byte of each node but the root, ascending
    """

    trie: Trie
    tokens: NDArray[np.int64]
    ends: NDArray[np.int32]
    ranges: NDArray[np.int64]
    keys: NDArray[np.int64]

    @classmethod
    def of(cls, folded: Iterable[tuple[int, bytes]]) -> TokenTrie:
        """Return the trie of these token ids and the folded bytes that they add."""
        shown = sorted((data, token) for token, data in folded if data)
        distinct = sorted({data for data, _ in shown})
        trie = Trie.of(distinct)
        node = dict(zip(distinct, trie.ends.tolist(), strict=True))
        ends = np.array([node[data] for data, _ in shown], np.int32)
        nodes = len(trie.parent)
        ranges = np.stack([np.full(nodes, len(shown)), np.zeros(nodes, np.int64)], axis=1)
        np.minimum.at(ranges[:, 0], ends, np.arange(len(ends)))
        np.maximum.at(ranges[:, 1], ends, np.arange(1, len(ends) + 1))
        for first, last in reversed(trie.levels[1:]):
            np.minimum.at(ranges[:, 0], trie.parent[first:last], ranges[first:last, 0])
            np.maximum.at(ranges[:, 1], trie.parent[first:last], ranges[first:last, 1])
        keys = trie.parent[1:].astype(np.int64) * 256 + trie.byte[1:]
        return cls(trie, np.array([token for _, token in shown], np.int64), ends, ranges, keys)

    def children(self, nodes: NDArray[np.int64], bytes_: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the child of nodes[k] by bytes_[k] for each k, or 0 where there is none; all int64 [n]."""
        wanted = nodes * 256 + bytes_
        if not len(self.keys):
            return np.zeros_like(wanted)
        at = self.keys.searchsorted(wanted)
        return np.where(self.keys.take(at, mode="clip") == wanted, at + 1, 0)


class TokenReading:
    """What each token adds to a text that is read with its word borders, or without. Immutable.

    decoded      each token decoded with nothing pending before it
    main_trie    the trie of all tokens that do not begin inside a character, but for printed special ones
    printed_trie the trie of special tokens that are printed and end no answer

    `continuation_trie(pending)`, of an unfinished character, is LRU-cached.
    """

    def __init__(self, tokens: Sequence[bytes], *, borders: bool) -> None:
        self._tokens = tokens
        self._borders = borders
        self.decoded = tuple(decode_bytes(token, borders=borders) for token in tokens)
        self._continuations = [i for i, token in enumerate(tokens) if _begins_mid_character(token)]
        inside = frozenset(self._continuations)
        self.main_trie = TokenTrie.of((i, r.folded) for i, r in enumerate(self.decoded) if i not in inside)
        self.printed_trie = TokenTrie.of(())
        self.continuation_trie = lru_cache(maxsize=256)(self._build_continuation_trie)

    def printing(self, special: Mapping[int, bytes], eos: Collection[int]) -> TokenReading:
        """Return this reading with these special tokens as text; those that end an answer are never forbidden."""
        reading = copy(self)
        reading._tokens = [special.get(i, token) for i, token in enumerate(self._tokens)]
        shown = {i: decode_bytes(data, borders=self._borders) for i, data in special.items()}
        reading.decoded = tuple(shown.get(i, one) for i, one in enumerate(self.decoded))
        reading.printed_trie = TokenTrie.of((i, one.folded) for i, one in shown.items() if i not in eos)
        return reading

    def advance(self, pending: bytes, tokens: Iterable[int]) -> DecodedBytes:
        """Return what `tokens` add after the pending bytes of an unfinished character.

        Special tokens add nothing, so a character may continue after one. Raises ValueError for an id that is not
        in the vocabulary.
        """
        folded = b""
        for token in tokens:
            if not 0 <= token < len(self._tokens):
                raise ValueError("a token id outside the vocabulary")
            data = self._tokens[token]
            if data:
                one = decode_bytes(pending + data, borders=self._borders) if pending else self.decoded[token]
                folded += one.folded
                pending = one.pending
        return DecodedBytes(folded, pending)

    def _build_continuation_trie(self, pending: bytes) -> TokenTrie:
        """Return the trie of the tokens that begin inside a character, after these pending bytes."""
        decoded = (
            (i, decode_bytes(pending + self._tokens[i], borders=self._borders)) for i in self._continuations
        )
        return TokenTrie.of((i, one.folded) for i, one in decoded)


class Vocabulary:
    """The tokens of one tokenizer, by id. Immutable.

    tokens    the bytes each adds; b"" for special tokens, which add no text, and for ids without a token
    special   ids of the special tokens
    eos       ids that end an answer
    absent    int64, ids below len(vocabulary) without a token
    unused    int64, ids that no answer may hold where no character is unfinished: absent ones, and SentencePiece's
              raw bytes that begin no character
    plain     the tokens read without word borders
    bordered  the tokens read with them, computed at the first use

    `allowed_after(pending)`, of an unfinished character, is LRU-cached.
    """

    def __init__(
        self,
        tokens: Sequence[bytes],
        *,
        special: Iterable[int],
        eos: Sequence[int],
        absent: Iterable[int] = (),
        raw: Mapping[int, int] | None = None,
        printed: Mapping[int, bytes] | None = None,
    ) -> None:
        """`raw`: id -> byte of the tokens that are one raw byte, if all others are complete characters. `printed`:
        the bytes of special tokens where these are printed."""
        self.tokens = tuple(tokens)
        self.special = frozenset(special)
        self.eos = tuple(eos)
        self.absent = np.array(sorted(absent), np.int64)
        self._raw = dict(raw or {})
        self._printed = {i: data for i, data in (printed or {}).items() if data}
        lone = (i for i, byte in self._raw.items() if not _may_follow(b"", byte))
        self.unused = np.array(sorted({*self.absent.tolist(), *lone}), np.int64)
        self.plain = TokenReading(self.tokens, borders=False)
        self.allowed_after = lru_cache(maxsize=32)(self._find_allowed_after)

    @classmethod
    def from_tokenizer(cls, tokenizer: Any) -> Vocabulary:
        """Return the vocabulary of a tokenizer. Raises ModelUnavailable as `read_tokens` does."""
        return cls(**read_tokens(tokenizer)._asdict())

    def __len__(self) -> int:
        """Return the number of ids; a model's logits may be wider."""
        return len(self.tokens)

    @cached_property
    def bordered(self) -> TokenReading:
        return TokenReading(self.tokens, borders=True)

    @cached_property
    def textless(self) -> NDArray[np.int64]:
        """The ids that add no text or end the answer: after them, the text may have ended."""
        return np.array(sorted({*(i for i in self.special if not self.tokens[i]), *self.eos}), np.int64)

    @cached_property
    def printed(self) -> Vocabulary:
        """This vocabulary where special tokens are printed (`skip_special_tokens: false`) and count as text.

        Itself, if that makes no difference. Ordinary tokens are not read again.
        """
        return _PrintedVocabulary(self) if self._printed else self

    def ill_formed(self, pending: bytes) -> NDArray[np.int64]:
        """Return the ids that would leave ill-formed UTF-8 after these bytes; none for byte-level BPE.

        A SentencePiece decoder replaces a run of raw bytes by one U+FFFD per byte if any part of the run is
        ill-formed, complete letters included: letters already shown could vanish from between others.
        """
        allowed = self.allowed_after(pending)
        if allowed is None:
            return np.setdiff1d(self.unused, self.absent)
        return np.setdiff1d(np.arange(len(self)), np.concatenate([allowed, self.absent]))

    def _find_allowed_after(self, pending: bytes) -> NDArray[np.int64] | None:
        """Return the only ids that may follow the bytes of an unfinished character; None if all others may.

        With SentencePiece these are few, the raw bytes that go on with it and tokens that add no text, and
        `ill_formed` names the others, nearly all of the vocabulary.
        """
        if not self._raw or not pending:
            return None
        following = {i for i, byte in self._raw.items() if _may_follow(pending, byte)}
        return np.array(sorted(following.union(self.textless.tolist())), np.int64)


@lru_cache(maxsize=1)
def vocabulary_of(tokenizer: Any) -> Vocabulary:
    """Return the vocabulary of a tokenizer, cached: the processors of a worker share one."""
    return Vocabulary.from_tokenizer(tokenizer)


def _begins_mid_character(token: bytes) -> bool:
    return token[:1] >= b"\x80" and token[:1] < b"\xc0"


def _may_follow(pending: bytes, byte: int) -> bool:
    try:
        codecs.utf_8_decode(pending + bytes([byte]), "strict", False)
    except UnicodeDecodeError:
        return False
    return True


class _PrintedVocabulary(Vocabulary):
    """A vocabulary whose special tokens are text."""

    def __init__(self, base: Vocabulary) -> None:
        self._base = base
        self.tokens = tuple(base._printed.get(i, token) for i, token in enumerate(base.tokens))
        self.special, self.eos, self.absent, self.unused = base.special, base.eos, base.absent, base.unused
        self._raw, self._printed = base._raw, base._printed
        self.plain = base.plain.printing(base._printed, base.eos)
        self.allowed_after = lru_cache(maxsize=32)(self._find_allowed_after)

    @cached_property
    def bordered(self) -> TokenReading:
        return self._base.bordered.printing(self._base._printed, self.eos)

    @property
    def printed(self) -> Vocabulary:
        return self
