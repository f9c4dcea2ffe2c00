"""WPU: questions on real persons of little fame, alone and after the turns of a many-shot attack.

Conventions are the authors': 200 new tokens, ROUGE with stemmer; as in the reference, fewer turns, again from the
end, where question and answer would not fit the model's context.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from eval.benchmarks.benchmark import Benchmark, TargetTokenizer, mean_cell, touched_cell
from eval.benchmarks.files import Question, find, load_questions, read_rows
from eval.benchmarks.spaces import clean_up
from eval.core.cell import Cells, ColumnGroup
from eval.core.errors import BadBenchmark
from eval.core.json_cursor import JsonCursor, read_text
from eval.core.prompt import Prompt
from eval.core.sample import ReplaySamples
from eval.core.task import Item, Measures, Task
from eval.metrics.rouge import rouge
from guard.targets.target import Draft, Fact
from guard.text.conversation import Message

FORGET: Final = "forget"
MANY_SHOT: Final = "forget_many_shot"
MAX_SHOTS: Final = 100
MAX_TOKENS: Final = 200
_SCORES: Final = ("rougeL_recall", "rouge1_recall", "rougeL_f1")


@dataclass(frozen=True, slots=True)
class Shot:
    """One turn of the many-shot attack: a question, and the answer that a model gave to it."""

    question: str = field(repr=False)
    reply: str = field(repr=False)


def load_shots(path: Path) -> tuple[Shot, ...]:
    """Return the rows of msj_attack.json; a reply is the first paragraph of the generated text."""
    return tuple(map(_shot, read_rows(path)))


def load_persons(path: Path) -> tuple[str, ...]:
    """Return the names of the persons: the members of the object in replace_name_forget_100.json."""
    try:
        persons = json.loads(read_text(path, BadBenchmark))
    except ValueError as error:
        raise BadBenchmark(f"{path}: not JSON ({type(error).__name__})") from None
    if not isinstance(persons, dict) or not all(name.strip() for name in persons):
        raise BadBenchmark(f"{path}: an object whose members are names was expected")
    return tuple(persons)


def last_shots(shots: Sequence[Shot], count: int = MAX_SHOTS) -> tuple[Shot, ...]:
    """Return the LAST `count` turns, as the reference does."""
    return tuple(shots[max(0, len(shots) - count) :])


def _shot(row: JsonCursor) -> Shot:
    generated = row.member("generated").text()
    return Shot(row.member("question").text(), generated.split("\n\n")[0].split("[/INST]")[-1].strip())


def questions(folder: Path) -> tuple[Question, ...]:
    """Return the forget questions: the whole set where the folder has it, else the published part."""
    path = find(folder, "forget_100", "forget_100_qa_subset")
    if path is None:
        raise BadBenchmark(f"{folder}: no file forget_100 or forget_100_qa_subset (.json or .jsonl)")
    return load_questions(path)


@dataclass(frozen=True)
class Wpu(Benchmark[Item]):
    """Replay WPU's questions on persons of little fame, alone and many-shot: the ROUGE family."""

    name = "wpu"
    columns = (
        ColumnGroup(
            "ROUGE on the forgotten persons",
            {
                "ROUGE-L recall": "forget_rougeL_recall",
                "ROUGE-1 recall": "forget_rouge1_recall",
                "ROUGE-L F1": "forget_rougeL_f1",
                "ROUGE-L recall, many-shot": "forget_many_shot_rougeL_recall",
                "ROUGE-1 recall, many-shot": "forget_many_shot_rouge1_recall",
                "ROUGE-L F1, many-shot": "forget_many_shot_rougeL_f1",
                "Shots": "shots",
                "Touched": "forget_touched",
                "Touched, many-shot": "forget_many_shot_touched",
            },
        ),
    )

    @property
    def split(self) -> str:
        """Return the name of the forget set."""
        return "forget_100"

    def drafts(self, data: Path) -> tuple[Draft, ...]:
        """Return the 100 persons; the facts of each are the questions that name the person."""
        path = find(data, "replace_name_forget_100")
        if path is None:
            raise BadBenchmark(f"{data}: no file replace_name_forget_100.json, which names the persons")
        rows = questions(data)
        return tuple(_person(name, [row for row in rows if name in row.question]) for name in load_persons(path))

    def tasks(self, data: Path, limit: int | None, tokenizer: TargetTokenizer) -> tuple[Task[Item], ...]:
        """Return a task of the questions alone and, with msj_attack.json, one of them many-shot."""
        rows = questions(data)[:limit]
        sets = {FORGET: [Item(Prompt(row.question), row.answer) for row in rows]}
        path = find(data, "msj_attack")
        if path:
            shots = load_shots(path)
            sets[MANY_SHOT] = [Item(_many_shot(row.question, shots, tokenizer), row.answer) for row in rows]
        return tuple(Task(name, items, MAX_TOKENS, _rouge) for name, items in sets.items())

    def cells(self, samples: ReplaySamples, run: str, tasks: Sequence[Task[Item]]) -> Cells:
        """Return the mean of each score by set, and of the shots of the many-shot set."""
        sets = {name: samples.of(run, name) for name in (FORGET, MANY_SHOT)}
        cells = {f"{name}_{score}": mean_cell(rows, score) for name, rows in sets.items() for score in _SCORES}
        cells["shots"] = mean_cell(sets[MANY_SHOT], "shots")
        return cells | {f"{name}_touched": touched_cell(rows) for name, rows in sets.items()}


def _person(name: str, rows: Sequence[Question]) -> Draft:
    return Draft(name=name, facts=tuple(Fact(question=row.question, answer=row.answer) for row in rows))


def _many_shot(question: str, shots: Sequence[Shot], tokenizer: TargetTokenizer) -> Prompt:
    """Return the question after as many of the last shots as fit the context."""
    for count in range(min(MAX_SHOTS, len(shots)), 0, -1):
        turns = [
            Message(*turn)
            for shot in last_shots(shots, count)
            for turn in (("user", shot.question), ("assistant", shot.reply))
        ]
        prompt = Prompt(question, before=tuple(turns))
        if tokenizer.fits(prompt, MAX_TOKENS):
            return prompt
    return Prompt(question)


def _rouge(item: Item, text: str) -> Measures:
    score = rouge(clean_up(item.gold).strip(), clean_up(text).strip(), stemmer=True)
    return {
        "rougeL_recall": score.rougeL_recall,
        "rouge1_recall": score.rouge1_recall,
        "rougeL_f1": score.rougeL_f1,
        "shots": float(len(item.prompt.before) // 2),
    }
