"""TOFU: questions on 200 fictitious authors, of whom 1, 5 or 10 percent are to be forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

from eval.benchmarks.benchmark import Benchmark, TargetTokenizer
from eval.benchmarks.files import Question, load_questions, need, read_rows
from eval.benchmarks.spaces import clean_up
from eval.benchmarks.targets import ROWS_PER_AUTHOR, authors
from eval.benchmarks.tofu_cells import (
    FORGET,
    HOLDOUT,
    TOFU_COLUMNS,
    UTILITY_SETS,
    cells_of,
    forgetting_against_utility,
    truth_ratios,
)
from eval.core.cell import Cells
from eval.core.figure import Figure
from eval.core.json_cursor import JsonCursor
from eval.core.prompt import Prompt
from eval.core.runner import ScoredAnswer
from eval.core.sample import ReplaySamples, Value
from eval.core.task import Item, Measures, Task
from eval.metrics.membership import min_k, min_k_plus_plus, zlib_score
from eval.metrics.memorization import exact_memorization, extraction_strength
from eval.metrics.probability import average_loss
from eval.metrics.rouge import rouge
from eval.metrics.truth_ratio import Convention
from guard.targets.target import Draft

ForgetSplit = Literal["forget01", "forget05", "forget10"]

MAX_TOKENS: Final = 200


@dataclass(frozen=True, slots=True)
class PerturbedQuestion:
    """A question with the answers that the truth ratio needs.

    `paraphrased_answer` is the answer itself where the file has no paraphrase (Real Authors, World Facts);
    `perturbed_answers` are wrong ones, as many in every row; `paraphrased_question` may be empty.
    """

    question: str = field(repr=False)
    answer: str = field(repr=False)
    paraphrased_answer: str = field(repr=False)
    perturbed_answers: tuple[str, ...] = field(repr=False)
    paraphrased_question: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class TofuSets:
    """The evaluation sets of one forget split."""

    forget: tuple[PerturbedQuestion, ...]
    retain: tuple[PerturbedQuestion, ...]
    real_authors: tuple[PerturbedQuestion, ...]
    world_facts: tuple[PerturbedQuestion, ...]
    holdout: tuple[Question, ...]


def load(folder: Path, split: ForgetSplit) -> TofuSets:
    """Return the sets of a split from a folder with the published file names; `holdout` are unseen questions."""
    return TofuSets(
        forget=load_perturbed(need(folder, f"{split}_perturbed")),
        retain=load_perturbed(need(folder, "retain_perturbed")),
        real_authors=load_perturbed(need(folder, "real_authors_perturbed")),
        world_facts=load_perturbed(need(folder, "world_facts_perturbed")),
        holdout=load_questions(need(folder, split.replace("forget", "holdout"))),
    )


def load_perturbed(path: Path) -> tuple[PerturbedQuestion, ...]:
    """Return the rows of a *_perturbed file; raises BadBenchmark where a row has fewer or more wrong answers."""
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


@dataclass(frozen=True)
class Tofu(Benchmark[Item]):
    """Replay TOFU: probability, ROUGE, truth ratio, forget quality, utility, membership."""

    split: ForgetSplit = field(default="forget10", metadata={"help": "Who is forgotten."})
    authors: int = field(
        default=0,
        metadata={
            "help": "Authors that the models were trained on with --authors: half are forgotten, half retained, "
            "and --limit takes rows of all of them; 0: the whole split."
        },
    )

    name = "tofu"
    methods = "none,icu,keyword,decline,guard"
    endpoint = True
    retain_model = True
    logit_difference = True
    columns = TOFU_COLUMNS

    def drafts(self, data: Path) -> tuple[Draft, ...]:
        """Return the authors of the forget split with all their questions and answers."""
        return authors(load_questions(need(data, self.split))[: self._rows])

    def tasks(self, data: Path, limit: int | None, tokenizer: TargetTokenizer) -> tuple[Task[Item], ...]:
        """Return a task for each set, and one of the holdout answers, which are only scored."""
        sets = load(data, self.split)
        if self.authors:
            forget, retain = (_spread(rows[: self._rows], limit) for rows in (sets.forget, sets.retain))
            sets = replace(sets, forget=forget, retain=retain)
        return tasks_of(sets, limit)

    @property
    def _rows(self) -> int | None:
        return self.authors // 2 * ROWS_PER_AUTHOR or None

    def cells(self, samples: ReplaySamples, run: str, tasks: Sequence[Task[Item]]) -> Cells:
        """Return every aggregate of a run in open-unlearning's convention."""
        return cells_of(samples, run, Convention.OPEN_UNLEARNING)

    def tables(self, samples: ReplaySamples, tasks: Sequence[Task[Item]]) -> Mapping[str, Mapping[str, Cells]]:
        """Return the aggregates in both conventions, from the same samples."""
        return {
            convention.value: {run: cells_of(samples, run, convention) for run in samples.no_likelihood}
            for convention in Convention
        }

    def figures(self, samples: ReplaySamples, tables: Mapping[str, Mapping[str, Cells]]) -> Mapping[str, Figure]:
        """Return the distribution of the truth ratio, and forgetting against utility."""
        return {
            "Truth ratio of the forget set (distribution function of min(R, 1/R))": truth_ratios(samples),
            "Forgetting against utility (hollow: published, other models)": forgetting_against_utility(
                tables[Convention.OPEN_UNLEARNING], published=self.split == "forget10"
            ),
        }


def _spread(rows: Sequence[PerturbedQuestion], limit: int | None) -> tuple[PerturbedQuestion, ...]:
    """Return `limit` rows, evenly spread."""
    count = min(limit or len(rows), len(rows))
    return tuple(rows[place * len(rows) // count] for place in range(count))


def tasks_of(sets: TofuSets, limit: int | None, max_tokens: int = MAX_TOKENS) -> tuple[Task[Item], ...]:
    """Return the tasks of a split, each of its first `limit` rows."""
    utility = [
        Task(name, [_item(row) for row in getattr(sets, name)[:limit]], max_tokens, _measure_text, _measure_losses)
        for name in UTILITY_SETS
    ]
    forget = [_item(row) for row in sets.forget[:limit]]
    holdout = [Item(Prompt(row.question), row.answer, (row.answer,)) for row in sets.holdout[:limit]]
    return (
        Task(FORGET, forget, max_tokens, _measure_text, _measure_membership, vocabulary=True),
        *utility,
        Task(HOLDOUT, holdout, measure_scores=_measure_membership, vocabulary=True),
    )


def _item(row: PerturbedQuestion) -> Item:
    answers = (row.answer, row.paraphrased_answer, *row.perturbed_answers)
    return Item(Prompt(row.question), row.answer, answers)


def _measure_text(item: Item, text: str) -> Measures:
    score = rouge(clean_up(item.gold).strip(), clean_up(text).strip(), stemmer=True)
    return {"rougeL_recall": score.rougeL_recall, "rouge1_recall": score.rouge1_recall}


def _measure_losses(item: Item, scored: Sequence[ScoredAnswer]) -> dict[str, Value]:
    losses = tuple(average_loss(answer.log_probs) for answer in scored)
    values: dict[str, Value] = {
        "loss": losses[0],
        "tokens": float(len(scored[0].labels)),
        "forbidden_tokens": float((scored[0].log_probs == -float("inf")).sum()),
    }
    if len(losses) > 1:
        values |= {"loss_paraphrase": losses[1], "losses_perturbed": losses[2:]}
    return values


def _measure_membership(item: Item, scored: Sequence[ScoredAnswer]) -> Measures:
    answer = scored[0]
    values = _measure_losses(item, scored) | {
        "zlib": zlib_score(average_loss(answer.log_probs), item.gold),
        "min_k": min_k(answer.log_probs),
        "extraction_strength": extraction_strength(answer.predicted, answer.labels),
    }
    if answer.vocabulary is not None:
        values["min_k_plus_plus"] = min_k_plus_plus(answer.log_probs, answer.vocabulary)
    matched = exact_memorization(answer.predicted, answer.labels)
    return values if matched is None else values | {"exact_memorization": matched}
