"""Words of seven languages, in small letters, that tell a task and a question from a statement."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Final


def _sections() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    section: set[str] = set()
    for line in files(__package__).joinpath("words.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), set())
        elif not line.startswith("#"):
            section.update(line.split())
    return {name: frozenset(words) for name, words in found.items()}


_WORDS: Final = _sections()
# A sentence that begins so hands over a text to work on: the rest of the turn is that text.
WORK: Final = _WORDS["work"]
# What is written to somebody; the sentence that asks for it names whom, and what about.
LETTERS: Final = _WORDS["letters"]
TO: Final = _WORDS["to"]
# A sentence that begins so asks, orders or supposes: it states nothing.
ASKING: Final = _WORDS["asking"]
# With one of these anywhere, a sentence speaks to the model, wishes, doubts or offers a choice.
DOUBT: Final = _WORDS["doubt"]
# Where a turn asks so, its statements are guesses to be confirmed.
CONFIRM: Final = _WORDS["confirm"]
# A line that begins with one and a colon opens a text; with one of QUESTIONS, it closes it.
TEXTS: Final = _WORDS["texts"]
QUESTIONS: Final = _WORDS["questions"]
