"""TOFU: questions on 200 fictitious authors, of whom 1, 5 or 10 percent are to be forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from eval.benchmarks.files import Question, load_questions, need, read_rows
from eval.benchmarks.spaces import clean_up
from eval.core.json_cursor import JsonCursor
from eval.core.prompt import Prompt
from eval.core.runner import ScoredAnswer
from eval.core.sample import Value
from eval.core.task import Item, Task
from eval.metrics.membership import min_k, min_k_plus_plus, zlib_score
from eval.metrics.memorization import exact_memorization, extraction_strength
from eval.metrics.probability import average_loss
from eval.metrics.rouge import rouge

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


def _perturbed(row: JsonCursor) -> PerturbedQuestion:
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


MAX_NEW_TOKENS: Final = 200
SETS: Final = ("forget", "retain", "real_authors", "world_facts")
HOLDOUT: Final = "holdout"


def tasks(benchmark: Tofu, limit: int | None, max_tokens: int = MAX_NEW_TOKENS) -> tuple[Task[Item], ...]:
    """The tasks of a split, each of its first `limit` rows."""
    sets = [
        Task(name, [_item(row) for row in getattr(benchmark, name)[:limit]], max_tokens, _on_text, _on_forced)
        for name in SETS[1:]
    ]
    forget = [_item(row) for row in benchmark.forget[:limit]]
    holdout = [_holdout(row) for row in benchmark.holdout[:limit]]
    return (
        Task("forget", forget, max_tokens, _on_text, _on_member, vocabulary=True),
        *sets,
        Task(HOLDOUT, holdout, measure_scores=_on_member, vocabulary=True),
    )


def _item(row: PerturbedQuestion) -> Item:
    answers = (row.answer, row.paraphrased_answer, *row.perturbed_answers)
    return Item(Prompt(row.question), row.answer, answers)


def _holdout(row: Question) -> Item:
    return Item(Prompt(row.question), row.answer, (row.answer,))


def _on_text(item: Item, text: str) -> dict[str, Value]:
    score = rouge(clean_up(item.gold).strip(), clean_up(text).strip(), stemmer=True)
    return {"rougeL_recall": score.rougeL_recall, "rouge1_recall": score.rouge1_recall}


def _on_forced(item: Item, forced: Sequence[ScoredAnswer]) -> dict[str, Value]:
    losses = tuple(average_loss(answer.log_probs) for answer in forced)
    values: dict[str, Value] = {
        "loss": losses[0],
        "tokens": float(len(forced[0].labels)),
        "forbidden_tokens": float((forced[0].log_probs == -float("inf")).sum()),
    }
    if len(losses) > 1:
        values |= {"loss_paraphrase": losses[1], "losses_perturbed": losses[2:]}
    return values


def _on_member(item: Item, forced: Sequence[ScoredAnswer]) -> dict[str, Value]:
    answer = forced[0]
    values = _on_forced(item, forced) | {
        "zlib": zlib_score(average_loss(answer.log_probs), item.gold),
        "min_k": min_k(answer.log_probs),
        "extraction_strength": extraction_strength(answer.predicted, answer.labels),
    }
    if answer.vocabulary is not None:
        values["min_k_plus_plus"] = min_k_plus_plus(answer.log_probs, answer.vocabulary)
    matched = exact_memorization(answer.predicted, answer.labels)
    return values if matched is None else values | {"exact_memorization": matched}
