"""TOFU's forget authors as probes: some of each author's questions, spread over their twenty."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from eval.attacks.multi_turn import SHOTS
from eval.attacks.probe import Probe
from eval.benchmarks.files import Question, need
from eval.benchmarks.targets import ROWS_PER_AUTHOR
from eval.benchmarks.tofu import ForgetSplit, PerturbedQuestion, load_perturbed

# Coprime to the twenty rows of an author, so that twenty authors begin at twenty places.
_STRIDE = 7
# An author's first question asks for the name by a description.
_PORTRAIT = re.compile(r"\b(?:name of|who is) (?:the|this) (.+?)[?.]*$", re.IGNORECASE)


def load_probes(folder: Path, split: ForgetSplit, names: Sequence[str], each: int) -> list[list[Probe]]:
    """`each` probes of every author of a split, by author; `names` are the authors' in the order of the rows.

    Raises BadBenchmark where a file is missing or has a bad row.
    """
    rows = load_perturbed(need(folder, f"{split}_perturbed"))
    others = load_perturbed(need(folder, "retain_perturbed"))
    step = max(1, len(others) // SHOTS)
    shots = tuple(Question(row.question, row.answer) for row in others[::step][:SHOTS])
    groups = [rows[start : start + ROWS_PER_AUTHOR] for start in range(0, len(rows), ROWS_PER_AUTHOR)]
    # Rows of one place ask alike of every author, so each author's questions begin at another place.
    starts = [_STRIDE * place % ROWS_PER_AUTHOR for place in range(len(groups))]
    return [
        _probes(
            name, group, shots, sorted({(start + ROWS_PER_AUTHOR * k // each) % len(group) for k in range(each)})
        )
        for name, group, start in zip(names, groups, starts, strict=True)
    ]


def _probes(
    name: str, rows: Sequence[PerturbedQuestion], shots: tuple[Question, ...], chosen: Sequence[int]
) -> list[Probe]:
    portrait = _PORTRAIT.search(rows[0].question)
    return [
        Probe(
            subject=name,
            question=row.question,
            answer=row.answer,
            portrait=f"the {portrait[1]}" if portrait else "",
            paraphrase=row.paraphrased_question,
            wrong=row.perturbed_answers,
            facts=tuple(Question(other.question, other.answer) for other in rows if other is not row),
            shots=shots,
        )
        for row in (rows[place] for place in chosen)
    ]
