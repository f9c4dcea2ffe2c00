"""TOFU as tasks: four sets that are answered and scored, and the holdout that membership is tested against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eval.benchmarks.question import Question
from eval.benchmarks.tofu import PerturbedQuestion, Tofu
from eval.metrics.membership import min_k, min_k_plus_plus, zlib_score
from eval.metrics.memorization import exact_memorization, extraction_strength
from eval.metrics.probability import average_loss
from eval.metrics.rouge import rouge
from eval.run.ask import Ask, Forced
from eval.run.sample import Value
from eval.run.spaces import clean_up
from eval.run.task import Item, Task

MAX_NEW_TOKENS: Final = 200
SETS: Final = ("forget", "retain", "real_authors", "world_facts")
HOLDOUT: Final = "holdout"


def tasks(benchmark: Tofu, limit: int | None, max_tokens: int = MAX_NEW_TOKENS) -> tuple[Task, ...]:
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
        Task(HOLDOUT, holdout, 0, _on_text, _on_member, vocabulary=True),
    )


def _item(row: PerturbedQuestion) -> Item:
    answers = (row.answer, row.paraphrased_answer, *row.perturbed_answers)
    return Item(Ask(row.question), row.question, answers, row.answer)


def _holdout(row: Question) -> Item:
    return Item(Ask(row.question), row.question, (row.answer,), row.answer)


def _on_text(item: Item, text: str) -> dict[str, Value]:
    score = rouge(clean_up(item.gold).strip(), clean_up(text).strip(), stemmer=True)
    return {"rougeL_recall": score.rougeL_recall, "rouge1_recall": score.rouge1_recall}


def _on_forced(item: Item, forced: Sequence[Forced]) -> dict[str, Value]:
    losses = tuple(average_loss(answer.log_probs) for answer in forced)
    values: dict[str, Value] = {
        "loss": losses[0],
        "tokens": float(len(forced[0].labels)),
        "forbidden_tokens": float((forced[0].log_probs == -float("inf")).sum()),
    }
    if len(losses) > 1:
        values |= {"loss_paraphrase": losses[1], "losses_perturbed": losses[2:]}
    return values


def _on_member(item: Item, forced: Sequence[Forced]) -> dict[str, Value]:
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
