"""The prompts of a completion, in the four shapes that both the engine and the detector can read."""

from __future__ import annotations

from typing import NamedTuple

from guard.errors import RequestRefused


class UnreadablePrompt(RequestRefused):
    """A prompt that the detector cannot read, whatever the engine would make of it."""

    code = "unreadable_prompt"


class Prompts(NamedTuple):
    """Prompts in choice order: all of them text, or all of them rows of token ids; the other is empty."""

    texts: tuple[str, ...] = ()
    rows: tuple[tuple[int, ...], ...] = ()


def read_prompts(given: object) -> Prompts:
    """Return the prompts of a body's `prompt`: a string, strings, one row of ids or rows of ids.

    Raises UnreadablePrompt for anything else, empty lists and empty rows included. An engine would take 1.0, true
    or "1" for the id 1, and a row of those would then reach the model unread. None is no prompt.
    """
    if given is None:
        return Prompts()
    if isinstance(given, str):
        return Prompts((given,))
    if isinstance(given, list) and given:
        if all(isinstance(item, str) for item in given):
            return Prompts(tuple(given))
        if _is_row(given):
            return Prompts(rows=(tuple(given),))
        if all(_is_row(item) for item in given):
            return Prompts(rows=tuple(map(tuple, given)))
    raise UnreadablePrompt(
        "The field 'prompt' must be a string, a list of strings, a list of token ids or a list of such lists.",
        field="prompt",
    )


def _is_row(item: object) -> bool:
    # True is an int to isinstance.
    return isinstance(item, list) and len(item) > 0 and all(type(token) is int and token >= 0 for token in item)
