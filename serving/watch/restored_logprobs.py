"""Log-probabilities of a response with surrogates: a surrogate's tokens become pieces of the caller's word.

They keep their probabilities. Alternatives that would begin a surrogate, or go on with it, leave their lists.
"""

from __future__ import annotations

from typing import Any

from guard.surrogates.restoring import Originals, Restorer

MIN_LETTERS = 3
"""Of an alternative that is left out because it begins a surrogate which the answer does not say there."""


def restore_logprobs(
    logprobs: dict[str, Any], restorer: Restorer, start: int, end: int, originals: Originals
) -> None:
    """Change the log-probabilities of the characters [start, end) that `restorer` read to those of what it wrote.

    A token that is not where it should be in the text stays as it is.
    """
    entries = logprobs.get("content")
    tokens = [entry["token"] for entry in entries] if entries is not None else list(logprobs.get("tokens") or ())
    lists = [entry.get("top_logprobs") for entry in entries or ()] or logprobs.get("top_logprobs") or []
    at = start
    for place, token in enumerate(tokens):
        at = _first(restorer.source, token, at, end)
        length = len(token) if restorer.source.startswith(token, at) and at + len(token) <= end else 0
        word = restorer.written(at, at + length) if length else token
        if place < len(lists) and lists[place]:
            _restore_list(lists[place], token, word, restorer.surrogate_in(at, at + length), originals)
        if entries is not None:
            entries[place].update(_named(word, token, entries[place]))
        else:
            logprobs["tokens"][place] = word
            if logprobs.get("text_offset"):
                logprobs["text_offset"][place] += restorer.place(at) - at
        at += length


def _first(source: str, token: str, at: int, end: int) -> int:
    """Return where `token` begins: after the blanks that some tokenizers leave out of tokens."""
    begin = at
    while begin < end and source[begin].isspace() and not source.startswith(token, begin):
        begin += 1
    return begin if source.startswith(token, begin) else at


def _restore_list(listed: Any, token: str, word: str, surrogate: str, originals: Originals) -> None:
    """Name the token in the list of alternatives `word`, and remove those that a surrogate would go on with."""
    if isinstance(listed, dict):
        kept = {other: value for other, value in listed.items() if not _tells(other, token, surrogate, originals)}
        listed.clear()
        listed.update({word if other == token else other: value for other, value in kept.items()})
        return
    listed[:] = [entry for entry in listed if not _tells(entry["token"], token, surrogate, originals)]
    for entry in listed:
        if entry["token"] == token:
            entry.update(_named(word, token, entry))


def _tells(other: str, token: str, surrogate: str, originals: Originals) -> bool:
    said, rest = other.strip().lower(), surrogate.strip().lower()
    if other == token or not said:
        return False
    if rest:
        return rest.startswith(said) or said.startswith(rest)
    return len(said) >= MIN_LETTERS and any(
        one.startswith(said) or said.startswith(one) for one in originals.words
    )


def _named(word: str, token: str, entry: dict[str, Any]) -> dict[str, Any]:
    if word == token:
        return {}
    return {"token": word} | ({"bytes": list(word.encode())} if entry.get("bytes") is not None else {})
