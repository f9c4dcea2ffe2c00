"""What a benchmark asks: evaluation sets of items, and what is measured on each answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from eval.core.ask import Ask, Forced
from eval.core.sample import Value

Measures = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Item:
    """A row of a set: how it is asked, what a detector reads of it, and the answers that are scored."""

    ask: Ask
    seen: str = field(repr=False)
    answers: tuple[str, ...] = field(repr=False)
    gold: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Task:
    """An evaluation set.

    max_tokens  of a generated answer; 0 where none is generated
    end         whether scored answers end with the end of sequence
    vocabulary  whether the scores need the whole distribution
    on_text     what is measured on a generated answer
    on_forced   what is measured on the scored answers
    """

    name: str
    items: Sequence[Item]
    max_tokens: int
    on_text: Callable[[Item, str], Measures]
    on_forced: Callable[[Item, Sequence[Forced]], Measures]
    end: bool = True
    vocabulary: bool = False
