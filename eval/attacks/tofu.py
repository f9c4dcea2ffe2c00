"""TOFU's forget authors as probes: some of each author's twenty questions, evenly spread."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from eval.attacks.probe import AttackProbe
from eval.attacks.prompts import MAX_SHOTS
from eval.benchmarks.files import Question, need
from eval.benchmarks.targets import ROWS_PER_AUTHOR
from eval.benchmarks.tofu import ForgetSplit, PerturbedQuestion, load_perturbed

# Coprime to the twenty rows of an author, so that twenty authors start at twenty different rows.
_STRIDE = 7
# An author's first question asks for the name by a description.
_PORTRAIT = re.compile(r"\b(?:name of|who is) (?:the|this) (.+?)[?.]*$", re.IGNORECASE)


def load_probes(folder: Path, split: ForgetSplit, names: Sequence[str], each: int) -> list[list[AttackProbe]]:
    """Return `each` probes for every author of a split; `names` are the authors', in the order of the rows.

    Raises BadBenchmark if a file is missing or has a bad row.
    """
    rows = load_perturbed(need(folder, f"{split}_perturbed"))
    others = load_perturbed(need(folder, "retain_perturbed"))
    step = max(1, len(others) // MAX_SHOTS)
    shots = tuple(Question(row.question, row.answer) for row in others[::step][:MAX_SHOTS])
    groups = [rows[start : start + ROWS_PER_AUTHOR] for start in range(0, len(rows), ROWS_PER_AUTHOR)]
    # The n-th questions of all authors are alike, so each author's probes start at a different row.
    starts = [_STRIDE * index % ROWS_PER_AUTHOR for index in range(len(groups))]
    return [
        _probes(
            name, group, shots, sorted({(start + ROWS_PER_AUTHOR * k // each) % len(group) for k in range(each)})
        )
        for name, group, start in zip(names, groups, starts, strict=True)
    ]


def _probes(
    name: str, rows: Sequence[PerturbedQuestion], shots: tuple[Question, ...], chosen: Sequence[int]
) -> list[AttackProbe]:
    description = _PORTRAIT.search(rows[0].question)
    return [
        AttackProbe(
            subject=name,
            question=row.question,
            answer=row.answer,
            description=f"the {description[1]}" if description else "",
            paraphrase=row.paraphrased_question,
            wrong_answers=row.perturbed_answers,
            facts=tuple(Question(other.question, other.answer) for other in rows if other is not row),
            shots=shots,
        )
        for row in (rows[index] for index in chosen)
    ]
