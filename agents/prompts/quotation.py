"""Quotes untrusted text: JSON whose strings cannot be closed by their content."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence

Data = str | int | bool | None | Sequence["Data"] | Mapping[str, "Data"]

_PLAIN_MARKS = frozenset(" .,;:!?'()-_/%+=@&$€£°¿¡。，、；：！？・")


def quote(text: str) -> str:
    """Return `text` as one JSON string on one line, which nothing in it can close.

    Between the quotation marks are only letters, digits, combining marks, spaces, some punctuation and escapes.
    Quotation marks, brackets, angle brackets, backticks, pipes, line breaks, control, format and private-use
    characters, and whatever normalises (NFKC) to one of them, become `\\uXXXX`: neither a model that ignores
    escapes nor a tokenizer that looks for `<|im_end|>` can be led out of the string.
    `json.loads(quote(text)) == text`.
    """
    return text.translate(_QUOTED).join('""')


def render(data: Data) -> str:
    """Return `data` as one line of JSON with every string, keys included, quoted by `quote`."""
    if isinstance(data, str):
        return quote(data)
    if isinstance(data, Mapping):
        return "{" + ", ".join(f"{quote(key)}: {render(value)}" for key, value in data.items()) + "}"
    if isinstance(data, Sequence):
        return "[" + ", ".join(map(render, data)) + "]"
    return json.dumps(data)


class _Quoted(dict[int, str | None]):
    """Escapes by code point, computed on first use. Bounded, as all of Unicode would take 100 MB."""

    def __missing__(self, code_point: int) -> str:
        char = chr(code_point)
        quoted = char if _is_plain(char) else _escaped(char)
        if len(self) < 65_536:
            self[code_point] = quoted
        return quoted


def _is_plain(char: str) -> bool:
    return char in _PLAIN_MARKS or unicodedata.category(char)[0] in "LMN"


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[k : k + 2].hex()}" for k in range(0, len(units), 2))


_QUOTED = _Quoted()
