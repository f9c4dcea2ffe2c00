"""The vocabulary of a tokenizer: what each token adds to the text, as bytes and as folded text."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from guard.errors import ModelUnavailable
from guard.matching.patterns import collapsed, read
from guard.matching.trie import Trie

_SAMPLES = (
    "The quick brown fox Zyxwvutsrqponm jumped 0123456789 times, didn't it?",
    "Ærøskøbing café naïve Łódź Ελλάδα Привет",
    "東京タワー 서울 한국어 עברית हिन्दी",
    "👩‍👩‍👧 🇫🇷 𝒳𝓎𝓏 \u200be\u0301",
)


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
        at = np.searchsorted(self.keys, wanted)
        found = at < len(self.keys)
        found[found] = self.keys[at[found]] == wanted[found]
        return np.where(found, at + 1, 0)


class TokenReading:
    """What each token adds to a text that is read with its word borders, or without. Immutable.

    decoded    each token decoded with nothing pending before it
    main_trie  the trie of all tokens that do not begin inside a character

    `continuation_trie(pending)`, of an unfinished character, is LRU-cached.
    """

    def __init__(self, tokens: Sequence[bytes], *, borders: bool) -> None:
        self._tokens = tokens
        self._borders = borders
        self.decoded = tuple(decode_bytes(token, borders=borders) for token in tokens)
        self._continuations = [i for i, token in enumerate(tokens) if _begins_mid_character(token)]
        inside = frozenset(self._continuations)
        self.main_trie = TokenTrie.of((i, r.folded) for i, r in enumerate(self.decoded) if i not in inside)
        self.continuation_trie = lru_cache(maxsize=256)(self._build_continuation_trie)

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
    ) -> None:
        """`raw`: id -> byte of the tokens that are one raw byte, if all others are complete characters."""
        self.tokens = tuple(tokens)
        self.special = frozenset(special)
        self.eos = tuple(eos)
        self.absent = np.array(sorted(absent), np.int64)
        self._raw = dict(raw or {})
        lone = (i for i, byte in self._raw.items() if not _may_follow(b"", byte))
        self.unused = np.array(sorted({*self.absent.tolist(), *lone}), np.int64)
        self.plain = TokenReading(self.tokens, borders=False)
        self.allowed_after = lru_cache(maxsize=32)(self._find_allowed_after)

    @classmethod
    def from_tokenizer(cls, tokenizer: Any) -> Vocabulary:
        """Return the vocabulary of a transformers tokenizer: byte-level BPE or SentencePiece.

        Every token, and some sample texts, are compared with what the tokenizer itself decodes. Raises
        ModelUnavailable when they differ or no token ends an answer: phrases would get past misread tokens.
        """
        try:
            return cls._read(tokenizer)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            # vLLM's own tokenizer for Mistral is of another kind, and shows special tokens as text.
            raise ModelUnavailable(
                "the tokenizer cannot be read as one of transformers; where the model has a tokenizer.json, start"
                " the engine with --tokenizer-mode hf"
            ) from error

    @classmethod
    def _read(cls, tokenizer: Any) -> Vocabulary:
        if tokenizer.eos_token_id is None:
            raise ModelUnavailable("the tokenizer has no end-of-sequence token")
        eos = int(tokenizer.eos_token_id)
        names: list[str | None] = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        # Ids may have gaps: the highest is then past the number of tokens.
        further = {i: name for name, i in tokenizer.get_vocab().items() if i >= len(names)}
        names += [further.get(i) for i in range(len(names), 1 + max(further, default=-1))]
        special = {eos, *tokenizer.all_special_ids}
        special |= {i for i, token in tokenizer.added_tokens_decoder.items() if token.special}
        absent = {i for i, name in enumerate(names) if name is None}
        for to_bytes in (_byte_level, _sentencepiece):
            shown = {i: to_bytes(name) for i, name in enumerate(names) if name is not None and i not in special}
            if _decodes_equally(tokenizer, shown):
                raw = {i: token[0] for i, token in shown.items() if names[i] == f"<0x{token[0]:02X}>"}
                return cls(
                    [shown.get(i, b"") for i in range(len(names))],
                    special=special,
                    eos=(eos,),
                    absent=absent,
                    raw=raw if to_bytes is _sentencepiece else None,
                )
        raise ModelUnavailable("the tokenizer is neither byte-level BPE nor SentencePiece")

    def __len__(self) -> int:
        """Return the number of ids; a model's logits may be wider."""
        return len(self.tokens)

    @cached_property
    def bordered(self) -> TokenReading:
        return TokenReading(self.tokens, borders=True)

    @cached_property
    def textless(self) -> NDArray[np.int64]:
        """The ids that add no text or end the answer: after them, the text may have ended."""
        return np.array(sorted({*self.special, *self.eos}), np.int64)

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


def _begins_mid_character(token: bytes) -> bool:
    return token[:1] >= b"\x80" and token[:1] < b"\xc0"


def _may_follow(pending: bytes, byte: int) -> bool:
    try:
        codecs.utf_8_decode(pending + bytes([byte]), "strict", False)
    except UnicodeDecodeError:
        return False
    return True


@cache
def _byte_alphabet() -> dict[str, int]:
    """Return the alphabet in which byte-level BPE writes the 256 bytes as printable characters (GPT-2)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + k): byte for k, byte in enumerate(others)}


def _byte_level(name: str) -> bytes:
    alphabet = _byte_alphabet()
    try:
        return bytes(alphabet[char] for char in name)
    except KeyError:
        return name.encode()


def _sentencepiece(name: str) -> bytes:
    if len(name) == 6 and name.startswith("<0x") and name.endswith(">"):
        return bytes.fromhex(name[3:5])
    return name.replace("▁", " ").encode()


def _decodes_equally(tokenizer: Any, shown: Mapping[int, bytes]) -> bool:
    def equal(ids: list[int]) -> bool:
        decoded = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        expected = b"".join(shown.get(i, b"") for i in ids).decode(errors="replace")
        # Decoders drop or add a space at the start of a text; folding drops them all.
        return "".join(decoded.split()) == "".join(expected.split())

    samples = [tokenizer.encode(text, add_special_tokens=False) for text in _SAMPLES]
    # All in a row as well, as some decoders (WordPiece) decode a token differently after another.
    row = [i for i, token in shown.items() if "\ufffd" not in token.decode(errors="replace")]
    return all(map(equal, [*samples, row])) and all(equal([i]) for i in shown)
