"""WPU as tasks: each question alone, and behind many turns in which a model did answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from eval.benchmarks.question import Question, load_questions
from eval.benchmarks.rows import find
from eval.benchmarks.wpu import Shot, last_shots, load_persons, load_shots
from eval.errors import BadBenchmark
from eval.metrics.rouge import rouge
from eval.run.ask import Ask, Forced
from eval.run.sample import Value
from eval.run.spaces import clean_up
from eval.run.task import Item, Task
from guard.conversation import Message
from guard.target import Draft, Fact

FORGET: Final = "forget"
MANY_SHOT: Final = "forget_many_shot"
MAX_TOKENS: Final = 200

Fits = Callable[[Ask], bool]
"""Whether a prompt and an answer of MAX_TOKENS fit the model's context."""


def questions(folder: Path) -> tuple[Question, ...]:
    """The forget questions: the whole set where the folder has it, else the published part of it."""
    path = find(folder, "forget_100", "forget_100_qa_subset")
    if path is None:
        raise BadBenchmark(f"{folder}: no file forget_100 or forget_100_qa_subset (.json or .jsonl)")
    return load_questions(path)


def targets(folder: Path, rows: Sequence[Question]) -> tuple[Draft, ...]:
    """A forget target for each of the 100 persons, whose facts are the questions that name the person."""
    path = find(folder, "replace_name_forget_100")
    if path is None:
        raise BadBenchmark(f"{folder}: no file replace_name_forget_100.json, which names the persons")
    return tuple(
        Draft(
            name=name,
            facts=tuple(Fact(question=row.question, answer=row.answer) for row in rows if name in row.question),
        )
        for name in load_persons(path)
    )


def tasks(folder: Path, rows: Sequence[Question], limit: int | None, fits: Fits) -> tuple[Task, ...]:
    """The two tasks of the first `limit` rows; without msj_attack.json the first alone."""
    path = find(folder, "msj_attack")
    shots = load_shots(path) if path else ()
    sets = {FORGET: [Ask(row.question) for row in rows[:limit]]}
    if shots:
        sets[MANY_SHOT] = [_behind(shots, row, fits) for row in rows[:limit]]
    return tuple(
        Task(
            name,
            [Item(ask, row.question, (), row.answer) for ask, row in zip(asks, rows, strict=False)],
            MAX_TOKENS,
            _on_text,
            _nothing,
        )
        for name, asks in sets.items()
    )


def _behind(shots: Sequence[Shot], row: Question, fits: Fits) -> Ask:
    chosen = last_shots(shots)
    while chosen:
        turns = [
            Message(*turn) for shot in chosen for turn in (("user", shot.question), ("assistant", shot.reply))
        ]
        ask = Ask(row.question, before=tuple(turns))
        if fits(ask):
            return ask
        chosen = last_shots(shots, len(chosen) - 1)
    return Ask(row.question)


def _on_text(item: Item, text: str) -> dict[str, Value]:
    score = rouge(clean_up(item.gold).strip(), clean_up(text).strip(), stemmer=True)
    shots = len(item.ask.before) // 2
    return {
        "rougeL_recall": score.rougeL_recall,
        "rouge1_recall": score.rouge1_recall,
        "rougeL_f1": score.rougeL_f1,
        "shots": float(shots),
    }


def _nothing(item: Item, forced: Sequence[Forced]) -> dict[str, Value]:
    return {}
