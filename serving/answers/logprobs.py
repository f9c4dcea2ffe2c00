"""Log-probabilities of guarded answers: they leave with the text that they describe, and never without.

An alternative that the text could not have gone on with is not listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any, NamedTuple

from guard.matching.near import TextScanner, would_match
from serving.protocol.surfaces import MAIN


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


class Alternatives:
    """Takes from the lists of one choice the alternatives that `scanner` would withhold after the tokens before.

    `scanner` is at the beginning of the answer. Tokens are read, as far as they say the text with it, so that the
    blanks which some tokenizers leave out of tokens are there.
    """

    def __init__(self, scanner: TextScanner) -> None:
        self._scanner = scanner
        # All of the text that came, and how much of it the tokens have said.
        self._text = ""
        self._said = 0
        self._leaves_out_blanks = False

    def filter(self, choice: dict[str, Any], texts: Mapping[str, str]) -> bool:
        """Take the next tokens, of a choice with these texts by surface, and remove alternatives from it.

        Return whether any was. The token that was sampled stays in its list.
        """
        # In the order in which a model says them: what it thinks, then what it answers.
        self._text += "".join(texts[key] for key in sorted(texts, key=MAIN.__contains__))
        logprobs, removed = choice.get("logprobs") or {}, False
        for token, listed in zip_longest(_tokens(logprobs), _lists(logprobs), fillvalue=""):
            blanks = self._blanks_before(token)
            self._leaves_out_blanks = self._leaves_out_blanks or bool(blanks)
            removed = self._remove(listed or (), token) or removed
            self._scanner.feed(blanks + token)
        return removed

    def _remove(self, listed: Any, token: str) -> bool:
        """Remove what must not be listed, except `token`, from entries or from a completion's dict by token."""
        others = listed if isinstance(listed, dict) else [entry["token"] for entry in listed]
        withheld = {other for other in others if other != token and self._is_withheld(other)}
        if isinstance(listed, dict):
            for other in withheld:
                del listed[other]
        elif withheld:
            listed[:] = [entry for entry in listed if entry["token"] not in withheld]
        return bool(withheld)

    def _is_withheld(self, token: str) -> bool:
        # Where tokens have no blanks, any may begin a word or go on with one.
        readings = (token, " " + token) if self._leaves_out_blanks else (token,)
        return any(would_match(self._scanner, reading) for reading in readings)

    def _blanks_before(self, token: str) -> str:
        """Return the blanks that the text has before `token` and no token has; take both as said."""
        at = self._said
        while self._text[at : at + 1].isspace() and not self._text.startswith(token, at):
            at += 1
        if not self._text.startswith(token, at):
            return ""
        blanks, self._said = self._text[self._said : at], at + len(token)
        return blanks


def _lists(logprobs: dict[str, Any]) -> list[Any]:
    """Return the alternatives at each place: entries, or for a completion a dict by token."""
    entries = logprobs.get("content")
    if isinstance(entries, list):
        return [entry.get("top_logprobs") for entry in entries]
    return logprobs.get("top_logprobs") or []


def _tokens(logprobs: dict[str, Any]) -> list[str]:
    entries = logprobs.get("content")
    return [entry["token"] for entry in entries] if isinstance(entries, list) else logprobs.get("tokens") or []
