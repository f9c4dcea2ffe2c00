"""WPU: questions on real persons of little fame (question.load_questions), and its many-shot attack."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from eval.benchmarks.rows import read_rows
from eval.errors import BadBenchmark
from eval.node import Node, read_text

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


def _shot(row: Node) -> Shot:
    said = row.member("generated").text()
    return Shot(row.member("question").text(), said.split("\n\n")[0].split("[/INST]")[-1].strip())
