"""WPU: questions on real persons of little fame (question.load_questions), and its many-shot attack."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from eval.benchmarks.files import Question, find, load_questions, read_rows
from eval.benchmarks.spaces import clean_up
from eval.core.errors import BadBenchmark
from eval.core.json_cursor import JsonCursor, read_text
from eval.core.prompt import Prompt
from eval.core.sample import Value
from eval.core.task import Item, Task
from eval.metrics.rouge import rouge
from guard.targets.target import Draft, Fact
from guard.text.conversation import Message

SHOTS: Final = 100


@dataclass(frozen=True, slots=True)
class Shot:
    """One turn of the many-shot attack: a question that a model did answer, and what it said."""

    question: str = field(repr=False)
    reply: str = field(repr=False)


def load_shots(path: Path) -> tuple[Shot, ...]:
    """The rows of msj_attack.json; a reply is the first paragraph of what was generated."""
    return tuple(map(_shot, read_rows(path)))


def load_persons(path: Path) -> tuple[str, ...]:
    """The names of the persons: the members of the one object in replace_name_forget_100.json."""
    try:
        persons = json.loads(read_text(path, BadBenchmark))
    except ValueError as error:
        raise BadBenchmark(f"{path}: not JSON ({type(error).__name__})") from None
    if not isinstance(persons, dict) or not all(name.strip() for name in persons):
        raise BadBenchmark(f"{path}: an object whose members are names was expected")
    return tuple(persons)


def last_shots(shots: Sequence[Shot], count: int = SHOTS) -> tuple[Shot, ...]:
    """The turns that stand before the question asked: the LAST `count`.

    The reference takes fewer, again from the end, until they fit the context.
    """
    return tuple(shots[max(0, len(shots) - count) :])


def _shot(row: JsonCursor) -> Shot:
    said = row.member("generated").text()
    return Shot(row.member("question").text(), said.split("\n\n")[0].split("[/INST]")[-1].strip())


FORGET: Final = "forget"
MANY_SHOT: Final = "forget_many_shot"
MAX_TOKENS: Final = 200

Fits = Callable[[Prompt], bool]
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


def tasks(folder: Path, rows: Sequence[Question], limit: int | None, fits: Fits) -> tuple[Task[Item], ...]:
    """The two tasks of the first `limit` rows; without msj_attack.json the first alone."""
    path = find(folder, "msj_attack")
    shots = load_shots(path) if path else ()
    sets = {FORGET: [Prompt(row.question) for row in rows[:limit]]}
    if shots:
        sets[MANY_SHOT] = [_behind(shots, row, fits) for row in rows[:limit]]
    return tuple(
        Task(
            name,
            [Item(prompt, row.answer) for prompt, row in zip(prompts, rows, strict=False)],
            MAX_TOKENS,
            _on_text,
        )
        for name, prompts in sets.items()
    )


def _behind(shots: Sequence[Shot], row: Question, fits: Fits) -> Prompt:
    chosen = last_shots(shots)
    while chosen:
        turns = [
            Message(*turn) for shot in chosen for turn in (("user", shot.question), ("assistant", shot.reply))
        ]
        prompt = Prompt(row.question, before=tuple(turns))
        if fits(prompt):
            return prompt
        chosen = last_shots(shots, len(chosen) - 1)
    return Prompt(row.question)


def _on_text(item: Item, text: str) -> dict[str, Value]:
    score = rouge(clean_up(item.gold).strip(), clean_up(text).strip(), stemmer=True)
    shots = len(item.prompt.before) // 2
    return {
        "rougeL_recall": score.rougeL_recall,
        "rouge1_recall": score.rouge1_recall,
        "rougeL_f1": score.rougeL_f1,
        "shots": float(shots),
    }
