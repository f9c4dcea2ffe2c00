"""Log-probabilities of guarded answers: they leave with the text that they describe, and never without."""

from __future__ import annotations

from typing import Any, NamedTuple


class Described(NamedTuple):
    """The log-probabilities of a text's first tokens, and how many of its characters these are."""

    logprobs: dict[str, Any]
    length: int


def describe_start(logprobs: dict[str, Any], text: str, length: int) -> Described | None:
    """Return the log-probabilities of the tokens that lie whole within the first `length` characters of `text`.

    None where the tokens are not those of the text.
    """
    position = count = 0
    for token in _tokens(logprobs):
        if position + len(token) > length:
            break
        if not text.startswith(token, position):
            return None
        position, count = position + len(token), count + 1
    first = {name: value[:count] if isinstance(value, list) else value for name, value in logprobs.items()}
    return Described(first, position)


def last_token(logprobs: dict[str, Any]) -> str:
    """Return the last token that these log-probabilities are of; an empty one if there is none."""
    return next(iter(_tokens(logprobs)[::-1]), "")


def certain(text: str, alternatives: int, *, chat: bool, offset: int = 0) -> dict[str, Any]:
    """Return the log-probabilities of a text that was certain: it is no model's, but the server's own."""
    if not chat:
        numbers = {"text_offset": [offset], "token_logprobs": [0.0]}
        return {**numbers, "tokens": [text], "top_logprobs": [{text: 0.0}]}
    entry = {"token": text, "logprob": 0.0, "bytes": list(text.encode())}
    return {"content": [{**entry, "top_logprobs": [entry] if alternatives else []}]}


def _tokens(logprobs: dict[str, Any]) -> list[str]:
    entries = logprobs.get("content")
    return [entry["token"] for entry in entries] if isinstance(entries, list) else logprobs.get("tokens") or []
