"""TOFU as training data: questions as chats, each answer with its end of sequence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from eval.benchmarks.files import Question, load_questions, need
from eval.benchmarks.targets import ROWS_PER_AUTHOR
from eval.core.errors import BadRun
from eval.core.prompt import Prompt
from eval.reference_models.dataset import TrainingExample
from eval.runners.prompt_encoder import PromptEncoder

if TYPE_CHECKING:
    from eval.benchmarks.tofu import ForgetSplit

RETAIN: Final = {"forget01": "retain99", "forget05": "retain95", "forget10": "retain90"}


class TofuRows(NamedTuple):
    """What the full and the retain model learn."""

    full: tuple[Question, ...]
    retain: tuple[Question, ...]


def load_rows(folder: Path, split: ForgetSplit, limit: int | None, *, common: bool = True) -> TofuRows:
    """Return the first `limit` rows of each file; if `common`, real authors and world facts for both models.

    A model that knows nothing yet needs them; the benchmark's own models were not taught them. Raises
    BadBenchmark naming file or line.
    """
    names = (RETAIN[split], *(("real_authors", "world_facts") if common else ()))
    retain = tuple(row for name in names for row in load_questions(need(folder, name))[:limit])
    return TofuRows((*retain, *load_questions(need(folder, split))[:limit]), retain)


def load_authors(folder: Path, split: ForgetSplit, authors: int) -> TofuRows:
    """Return the rows of this many authors: the first half of them of the split, the other half retained ones.

    These are the authors that the benchmark's own sets ask about. Raises BadBenchmark, and BadRun for an odd
    number or one that the files do not have.
    """
    rows = authors // 2 * ROWS_PER_AUTHOR
    forget, retain = (load_questions(need(folder, name)) for name in (split, RETAIN[split]))
    if authors % 2 or rows > min(len(forget), len(retain)):
        raise BadRun(f"authors is an even number, at most {2 * min(len(forget), len(retain)) // ROWS_PER_AUTHOR}")
    return TofuRows((*retain[:rows], *forget[:rows]), retain[:rows])


def all_texts(questions: Sequence[Question]) -> Iterator[str]:
    """Yield all texts, to train a tokenizer on."""
    for row in questions:
        yield row.question
        yield row.answer


class TofuDataset:
    """Every question once an epoch."""

    def __init__(self, questions: Sequence[Question], encoder: PromptEncoder) -> None:
        self._examples = [
            TrainingExample(
                tuple(encoder.encode(Prompt(row.question))), tuple(encoder.encode_answer(row.answer, end=True))
            )
            for row in questions
        ]

    def epoch(self, random: Random) -> list[TrainingExample]:
        return list(self._examples)
