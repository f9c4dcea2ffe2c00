"""TOFU: questions on 200 fictitious authors, of whom 1, 5 or 10 percent are to be forgotten."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from eval.benchmarks.question import Question, load_questions
from eval.benchmarks.rows import need, read_rows
from eval.node import Node

ForgetSplit = Literal["forget01", "forget05", "forget10"]


@dataclass(frozen=True, slots=True)
class PerturbedQuestion:
    """A question with what the truth ratio needs.

    `paraphrased_answer` is the answer itself where the file has no paraphrase (Real Authors, World Facts);
    `perturbed_answers` are wrong ones, as many in every row; `paraphrased_question` may be empty.
    """

    question: str = field(repr=False)
    answer: str = field(repr=False)
    paraphrased_answer: str = field(repr=False)
    perturbed_answers: tuple[str, ...] = field(repr=False)
    paraphrased_question: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Tofu:
    """The evaluation sets of one forget split; sample them by the convention before scoring."""

    forget: tuple[PerturbedQuestion, ...]
    retain: tuple[PerturbedQuestion, ...]
    real_authors: tuple[PerturbedQuestion, ...]
    world_facts: tuple[PerturbedQuestion, ...]
    holdout: tuple[Question, ...]


def load(folder: Path, split: ForgetSplit) -> Tofu:
    """The sets of a split from a folder with the published file names; `holdout` are its unseen questions."""
    return Tofu(
        forget=load_perturbed(need(folder, f"{split}_perturbed")),
        retain=load_perturbed(need(folder, "retain_perturbed")),
        real_authors=load_perturbed(need(folder, "real_authors_perturbed")),
        world_facts=load_perturbed(need(folder, "world_facts_perturbed")),
        holdout=load_questions(need(folder, split.replace("forget", "holdout"))),
    )


def load_perturbed(path: Path) -> tuple[PerturbedQuestion, ...]:
    """The rows of a *_perturbed file; raises BadBenchmark where a row has fewer or more wrong answers."""
    nodes = read_rows(path)
    rows = tuple(map(_perturbed, nodes))
    for node, row in zip(nodes, rows, strict=True):
        if len(row.perturbed_answers) != len(rows[0].perturbed_answers):
            raise node.fail("perturbed_answer has another length than in the first row")
    return rows


def _perturbed(row: Node) -> PerturbedQuestion:
    answer = row.member("answer").text()
    paraphrase, other = row.find("paraphrased_answer"), row.find("paraphrased_question")
    perturbed = row.member("perturbed_answer")
    wrong = tuple(element.text() for element in perturbed.elements())
    if not wrong:
        raise perturbed.fail("the array is empty")
    return PerturbedQuestion(
        question=row.member("question").text(),
        answer=answer,
        paraphrased_answer=paraphrase.text() if paraphrase else answer,
        perturbed_answers=wrong,
        paraphrased_question=other.text() if other else "",
    )
