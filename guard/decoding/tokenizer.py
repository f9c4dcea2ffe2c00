"""What the tokens of a tokenizer show, of transformers' tokenizers and of vLLM's own one for Mistral's files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

from guard.errors import ModelUnavailable

_SAMPLES = (
    "The quick brown fox Zyxwvutsrqponm jumped 0123456789 times, didn't it?",
    "Ærøskøbing café naïve Łódź Ελλάδα Привет",
    "東京タワー 서울 한국어 עברית हिन्दी",
    "👩‍👩‍👧 🇫🇷 𝒳𝓎𝓏 \u200be\u0301",
)

Decode = Callable[[Sequence[int]], str]
"""The text of token ids."""


class ReadTokens(NamedTuple):
    """The tokens of a tokenizer by id, as `guard.decoding.vocabulary.Vocabulary` takes them.

    printed  the bytes that special tokens show where a client has them printed (`skip_special_tokens: false`)
    """

    tokens: Sequence[bytes]
    special: frozenset[int]
    eos: tuple[int, ...]
    absent: frozenset[int]
    raw: Mapping[int, int] | None
    printed: Mapping[int, bytes]


def read_tokens(tokenizer: Any) -> ReadTokens:
    """Return what each token of a tokenizer shows: byte-level BPE or SentencePiece, or one of vLLM's for Mistral.

    Every token, and some sample texts, are compared with what the tokenizer itself decodes. Raises
    ModelUnavailable when they differ or no token ends an answer: phrases would get past misread tokens.
    """
    try:
        if tokenizer.eos_token_id is None:
            raise ModelUnavailable("the tokenizer has no end-of-sequence token")
        return _read_mistral(tokenizer) if _is_mistral(tokenizer) else _read_transformers(tokenizer)
    except (AttributeError, AssertionError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ModelUnavailable(
            "the tokenizer cannot be read as one of transformers; where the model has a tokenizer.json, start"
            " the engine with --tokenizer-mode hf"
        ) from error


def decoder_of(tokenizer: Any) -> Decode:
    """Return the function by which an engine decodes an answer, with special tokens skipped."""
    if _is_mistral(tokenizer):
        return partial(_decode_mistral, tokenizer)
    return partial(tokenizer.decode, skip_special_tokens=True, clean_up_tokenization_spaces=False)


def _is_mistral(tokenizer: Any) -> bool:
    return bool(getattr(tokenizer, "IS_MISTRAL_TOKENIZER", False))


def _decode_mistral(tokenizer: Any, ids: Sequence[int]) -> str:
    pieces = tokenizer.convert_ids_to_tokens(list(ids), skip_special_tokens=True)
    return str(tokenizer.convert_tokens_to_string(pieces))


def _read_transformers(tokenizer: Any) -> ReadTokens:
    eos = int(tokenizer.eos_token_id)
    names: list[str | None] = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    # Ids may have gaps: the highest is then past the number of tokens.
    further = {i: name for name, i in tokenizer.get_vocab().items() if i >= len(names)}
    names += [further.get(i) for i in range(len(names), 1 + max(further, default=-1))]
    special = {eos, *tokenizer.all_special_ids}
    special |= {i for i, token in tokenizer.added_tokens_decoder.items() if token.special}
    for to_bytes in (_byte_level, _sentencepiece):
        shown = {i: to_bytes(name) for i, name in enumerate(names) if name is not None and i not in special}
        if _decodes_equally(tokenizer, shown):
            printed = {i: tokenizer.decode([i], skip_special_tokens=False).encode() for i in special}
            return ReadTokens(
                [shown.get(i, b"") for i in range(len(names))],
                frozenset(special),
                (eos,),
                frozenset(i for i, name in enumerate(names) if name is None),
                _raw_bytes(names, shown) if to_bytes is _sentencepiece else None,
                printed,
            )
    raise ModelUnavailable("the tokenizer is neither byte-level BPE nor SentencePiece")


def _read_mistral(tokenizer: Any) -> ReadTokens:
    """Read vLLM's MistralTokenizer: tekken's tokens are bytes, those of older models are SentencePiece's.

    The engine decodes its answers piece by piece. So some special tokens are shown, those of tool calls and
    thoughts, although special ones are skipped; the others never are. An ordinary token that has the name of a
    special one is skipped too.
    """
    eos, count = int(tokenizer.eos_token_id), len(tokenizer)
    hidden = set(tokenizer.all_special_tokens)
    names: list[str | None] = []
    shown: dict[int, bytes] = {}
    for token in range(count):
        pieces = tokenizer.convert_ids_to_tokens([token], skip_special_tokens=True)
        name = pieces[0] if pieces else ""
        names.append(name if isinstance(name, str) else None)
        if isinstance(name, bytes):
            shown[token] = name
        elif name in hidden or token == tokenizer.tokenizer.unk_id:
            shown[token] = _decode_mistral(tokenizer, [token]).encode()
        else:
            shown[token] = name.encode() if tokenizer.is_tekken else _sentencepiece(name)
    if not _decodes_equally(tokenizer, shown):
        raise ModelUnavailable("the tokenizer decodes its tokens otherwise than it names them")
    return ReadTokens(
        [shown[token] for token in range(count)],
        frozenset({eos, *tokenizer.all_special_ids}),
        (eos,),
        frozenset(),
        None if tokenizer.is_tekken else _raw_bytes(names, shown),
        {},
    )


def _raw_bytes(names: Sequence[str | None], shown: Mapping[int, bytes]) -> dict[int, int]:
    """Return by id the byte of each SentencePiece token that is one raw byte."""
    return {i: token[0] for i, token in shown.items() if token and names[i] == f"<0x{token[0]:02X}>"}


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
    decode = decoder_of(tokenizer)

    def equal(ids: list[int]) -> bool:
        expected = b"".join(shown.get(i, b"") for i in ids).decode(errors="replace")
        # Decoders drop or add a space at the start of a text; folding drops them all.
        return "".join(decode(ids).split()) == "".join(expected.split())

    samples = [tokenizer.encode(text, add_special_tokens=False) for text in _SAMPLES]
    # All in a row as well, as some decoders (WordPiece) decode a token differently after another.
    row = [i for i, token in shown.items() if "\ufffd" not in token.decode(errors="replace")]
    return all(map(equal, [*samples, row])) and all(equal([i]) for i in shown)
