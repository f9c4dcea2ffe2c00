"""MUSE: verbatim and knowledge memorisation of news articles and of a series of books."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from eval.benchmarks.benchmark import Benchmark, TargetTokenizer, touched_cell
from eval.benchmarks.files import Question, find, load_questions, read_rows
from eval.benchmarks.targets import articles
from eval.core.cell import NO_SAMPLES, Cell, Cells, ColumnGroup, cell
from eval.core.errors import BadBenchmark
from eval.core.prompt import Prompt
from eval.core.runner import ScoredAnswer
from eval.core.sample import ReplaySamples, Sample
from eval.core.task import Item, Measures, Task
from eval.metrics.membership import MUSE_RETRAIN_AUC, Corpus, auc, muse_min_k, muse_privleak
from eval.metrics.rouge import rouge
from guard.targets.passages import longest_quote
from guard.targets.target import Draft

Row = TypeVar("Row")

VERBMEM_MAX_TOKENS: Final = 128
KNOWMEM_MAX_TOKENS: Final = 32
_ENDS: Final = ("\n\n", "\nQuestion", "Question:")
_ROUGE: Final = {"verbmem_f": "verbmem", "knowmem_f": "knowmem_forget", "knowmem_r": "knowmem_retain"}
_SETS: Final = (*_ROUGE.values(), "privleak_forget", "privleak_holdout")


@dataclass(frozen=True, slots=True)
class Passage:
    """The beginning of a text, and its continuation."""

    prompt: str = field(repr=False)
    continuation: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MuseSets:
    """The evaluation files of one corpus; a part whose file the folder lacks is empty and cannot be scored."""

    forget: tuple[Question, ...]
    forget_shots: tuple[Question, ...]
    retain: tuple[Question, ...]
    retain_shots: tuple[Question, ...]
    passages: tuple[Passage, ...]
    member_texts: tuple[str, ...] = field(repr=False)
    holdout_texts: tuple[str, ...] = field(repr=False)


def load(folder: Path) -> MuseSets:
    """Return the parts of a corpus folder: knowmem, verbmem, privleak, under published or development names."""
    knowmem, verbmem, privleak = folder / "knowmem", folder / "verbmem", folder / "privleak"
    sets = MuseSets(
        forget=_load(find(knowmem, "forget_qa"), load_questions),
        forget_shots=_load(find(knowmem, "forget_qa_icl"), load_questions),
        retain=_load(find(knowmem, "retain_qa", "retain2_qa"), load_questions),
        retain_shots=_load(find(knowmem, "retain_qa_icl", "retain2_qa_icl"), load_questions),
        passages=_load(find(verbmem, "forget"), load_passages),
        member_texts=_load(find(privleak, "forget"), load_texts),
        holdout_texts=_load(find(privleak, "holdout"), load_texts),
    )
    if not (sets.forget or sets.retain or sets.passages or sets.member_texts):
        raise BadBenchmark(f"{folder}: no knowmem, verbmem or privleak files of MUSE")
    return sets


def _load(path: Path | None, loader: Callable[[Path], tuple[Row, ...]]) -> tuple[Row, ...]:
    return loader(path) if path else ()


def load_passages(path: Path) -> tuple[Passage, ...]:
    """Return the rows of a verbmem file."""
    return tuple(Passage(row.member("prompt").text(), row.member("gt").text()) for row in read_rows(path))


def load_texts(path: Path) -> tuple[str, ...]:
    """Return the texts of a privleak, raw or sust file; {"text": ...} rows are accepted too."""
    rows = read_rows(path)
    return tuple((row.member("text") if isinstance(row.value, dict) else row).text() for row in rows)


def load_articles(path: Path) -> tuple[str, ...]:
    """Return the distinct texts of a raw, scal or sust file, without the blank strings of the published ones."""
    return tuple(dict.fromkeys(row.text() for row in read_rows(path) if row.value != ""))


def knowledge_prompt(shots: Sequence[Question], question: str) -> str:
    """Return the completion prompt of KnowMem: the examples, the question, and a trailing space."""
    examples = "".join(f"Question: {shot.question}\nAnswer: {shot.answer}\n\n" for shot in shots)
    return f"{examples}Question: {question}\nAnswer: "


def cut_answer(generated: str) -> str:
    """Return a KnowMem output up to where it continues the few-shot pattern; not stripped."""
    for end in _ENDS:
        generated = generated.split(end)[0]
    return generated


@dataclass(frozen=True)
class Muse(Benchmark[Item]):
    """Replay MUSE: verbatim and knowledge memory of both sides, and privacy leakage."""

    corpus: Corpus = field(default=Corpus.NEWS, metadata={"help": "Which corpus the data folder holds."})

    name = "muse"
    endpoint = True
    retain_model = True
    columns = (
        ColumnGroup(
            "The authors' criteria (times 100)",
            {
                "VerbMem forget": "verbmem_f",
                "KnowMem forget": "knowmem_f",
                "PrivLeak": "privleak",
                "KnowMem retain": "knowmem_r",
            },
        ),
        ColumnGroup(
            "Behind them",
            {
                "Longest quote (words)": "longest_quote",
                "AUC Min-40 % (authors' direction)": "auc_min_k",
                "VerbMem touched": "verbmem_touched",
                "KnowMem forget touched": "knowmem_forget_touched",
                "KnowMem retain touched": "knowmem_retain_touched",
                "Privleak forget touched": "privleak_forget_touched",
                "Privleak holdout touched": "privleak_holdout_touched",
            },
        ),
    )

    @property
    def split(self) -> str:
        """Return the corpus."""
        return self.corpus.value

    def drafts(self, data: Path) -> tuple[Draft, ...]:
        """Return the articles of raw/forget, never the questions that are asked."""
        raw = find(data / "raw", "forget")
        if raw is None:
            raise BadBenchmark(f"{data}: no file raw/forget, so nothing can be made a forget target")
        return articles(load_articles(raw))

    def tasks(self, data: Path, limit: int | None, tokenizer: TargetTokenizer) -> tuple[Task[Item], ...]:
        """Return a task for each part of the corpus that the folder has."""
        return tasks_of(load(data), limit, tokenizer)

    def cells(self, samples: ReplaySamples, run: str, tasks: Sequence[Task[Item]]) -> Cells:
        """Return the criteria; PrivLeak is against the retain model, or else the authors' constant."""
        cells = {name: _rouge(samples.of(run, task)) for name, task in _ROUGE.items()}
        cells["longest_quote"] = _longest_quote(samples.of(run, "verbmem"))
        cells["auc_min_k"] = _auc(samples, run, samples.no_likelihood[run])
        cells["privleak"] = _privleak(cells["auc_min_k"], samples, self.corpus)
        return cells | {f"{name}_touched": touched_cell(samples.of(run, name)) for name in _SETS}


def tasks_of(sets: MuseSets, limit: int | None, tokenizer: TargetTokenizer) -> tuple[Task[Item], ...]:
    """Return the tasks of a corpus; parts whose files are missing are left out."""
    verbatim = [
        Item(Prompt(row.prompt, chat=False), tokenizer.cut(row.continuation, VERBMEM_MAX_TOKENS))
        for row in sets.passages[:limit]
    ]
    tasks = (
        Task("verbmem", verbatim, VERBMEM_MAX_TOKENS, _measure_continuation),
        _knowledge("knowmem_forget", sets.forget[:limit], sets.forget_shots),
        _knowledge("knowmem_retain", sets.retain[:limit], sets.retain_shots),
        _membership("privleak_forget", sets.member_texts[:limit]),
        _membership("privleak_holdout", sets.holdout_texts[:limit]),
    )
    return tuple(task for task in tasks if task.items)


def _knowledge(name: str, rows: Sequence[Question], shots: Sequence[Question]) -> Task[Item]:
    items = [Item(Prompt(knowledge_prompt(shots, row.question), chat=False), row.answer) for row in rows]
    return Task(name, items, KNOWMEM_MAX_TOKENS, _measure_answer)


def _membership(name: str, texts: Sequence[str]) -> Task[Item]:
    # A text is scored from its first token; its sender must send all of it, so a detector reads all of it.
    items = [Item(Prompt("", chat=False), answers=(text,), detector_text=text) for text in texts]
    return Task(name, items, measure_scores=_measure_membership, end=False)


def _measure_continuation(item: Item, text: str) -> Measures:
    quoted = longest_quote([f"{item.detector_text} {item.gold}"], text).words
    return {"rougeL_f1": rouge(item.gold, text, stemmer=False).rougeL_f1, "quoted_words": float(quoted)}


def _measure_answer(item: Item, text: str) -> Measures:
    return {"rougeL_f1": rouge(item.gold, cut_answer(text), stemmer=False).rougeL_f1}


def _measure_membership(item: Item, scored: Sequence[ScoredAnswer]) -> Measures:
    answer = scored[0]
    return {
        "min_k": muse_min_k(answer.log_probs),
        "tokens": float(len(answer.labels)),
        "forbidden_tokens": float((answer.log_probs == -float("inf")).sum()),
    }


def _rouge(rows: Sequence[Sample]) -> Cell:
    scores = [score for row in rows if (score := row.number("rougeL_f1")) is not None]
    return cell(lambda: float(np.mean(scores)) * 100) if scores else NO_SAMPLES


def _longest_quote(rows: Sequence[Sample]) -> Cell:
    words = [count for row in rows if (count := row.number("quoted_words")) is not None]
    return Cell(max(words)) if words else NO_SAMPLES


def _auc(samples: ReplaySamples, run: str, no_likelihood: str) -> Cell:
    forget, holdout = (_min_k(samples.of(run, f"privleak_{side}")) for side in ("forget", "holdout"))
    if not forget or not holdout:
        return Cell(None, no_likelihood) if no_likelihood else NO_SAMPLES
    forbidden = int(np.isinf(forget).sum()), int(np.isinf(holdout).sum())
    note = f"cannot be said, and rank as least likely: {forbidden[0]} forget and {forbidden[1]} holdout texts"
    # The authors count the forget set as not trained on: their AUC is ours with the sets exchanged.
    return cell(lambda: auc(holdout, forget), note if any(forbidden) else "")


def _min_k(rows: Sequence[Sample]) -> list[float]:
    return [score for row in rows if (score := row.number("min_k")) is not None]


def _privleak(run_auc: Cell, samples: ReplaySamples, corpus: Corpus) -> Cell:
    if run_auc.value is None:
        return run_auc
    score = run_auc.value
    reference = _auc(samples, samples.retain, "").value if samples.retain else None
    if reference is None:
        constant = MUSE_RETRAIN_AUC[corpus]
        return Cell(muse_privleak(score, constant), f"against the authors' retrained model, AUC {constant:.4f}")
    return cell(lambda: muse_privleak(score, reference), run_auc.note)
