"""Tasks: the evaluation sets of a benchmark, and what is measured on each answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from eval.core.prompt import Prompt
from eval.core.runner import ScoredAnswer
from eval.core.sample import Value

Measures = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Item:
    """A row of a set.

    gold           the right answer, which a generated one is compared with
    answers        the given answers that are scored by teacher forcing
    detector_text  what a detector reads as the user's message; the prompt's text if empty
    """

    prompt: Prompt
    gold: str = field(default="", repr=False)
    answers: tuple[str, ...] = field(default=(), repr=False)
    detector_text: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not self.detector_text:
            object.__setattr__(self, "detector_text", self.prompt.text)


ItemT = TypeVar("ItemT", bound=Item)


def nothing(item: Item, answer: Any) -> Measures:
    """Measure nothing."""
    return {}


@dataclass(frozen=True, slots=True)
class Task(Generic[ItemT]):
    """An evaluation set.

    max_tokens      of a generated answer; 0: none is generated
    measure_text    returns the values of a generated answer
    measure_scores  returns the values of the scored answers
    end             whether scored answers end with the end of sequence
    vocabulary      whether the scores need the distribution over the whole vocabulary
    """

    name: str
    items: Sequence[ItemT]
    max_tokens: int = 0
    measure_text: Callable[[ItemT, str], Measures] = nothing
    measure_scores: Callable[[ItemT, Sequence[ScoredAnswer]], Measures] = nothing
    end: bool = True
    vocabulary: bool = False
