"""MUSE: verbatim and knowledge memorisation of news articles and of a series of books."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from eval.benchmarks.files import Question, find, load_questions, read_rows
from eval.core.errors import BadBenchmark
from eval.core.prompt import Prompt
from eval.core.runner import ScoredAnswer
from eval.core.sample import Value
from eval.core.task import Item, Task
from eval.metrics.membership import muse_min_k
from eval.metrics.rouge import rouge
from guard.targets.passages import longest_quote

Row = TypeVar("Row")

VERBMEM_MAX_TOKENS: Final = 128
KNOWMEM_MAX_TOKENS: Final = 32
_ENDS = ("\n\n", "\nQuestion", "Question:")


@dataclass(frozen=True, slots=True)
class Passage:
    """The head of a text, and how it goes on."""

    prompt: str = field(repr=False)
    continuation: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Muse:
    """The evaluation files of one corpus; a part whose file the folder lacks is empty and cannot be scored."""

    forget: tuple[Question, ...]
    forget_shots: tuple[Question, ...]
    retain: tuple[Question, ...]
    retain_shots: tuple[Question, ...]
    passages: tuple[Passage, ...]
    member_texts: tuple[str, ...] = field(repr=False)
    holdout_texts: tuple[str, ...] = field(repr=False)


def load(folder: Path) -> Muse:
    """The parts of a corpus folder (knowmem, verbmem, privleak), under the published or the development names."""
    knowmem, verbmem, privleak = folder / "knowmem", folder / "verbmem", folder / "privleak"
    muse = Muse(
        forget=_load(find(knowmem, "forget_qa"), load_questions),
        forget_shots=_load(find(knowmem, "forget_qa_icl"), load_questions),
        retain=_load(find(knowmem, "retain_qa", "retain2_qa"), load_questions),
        retain_shots=_load(find(knowmem, "retain_qa_icl", "retain2_qa_icl"), load_questions),
        passages=_load(find(verbmem, "forget"), load_passages),
        member_texts=_load(find(privleak, "forget"), load_texts),
        holdout_texts=_load(find(privleak, "holdout"), load_texts),
    )
    if not (muse.forget or muse.retain or muse.passages or muse.member_texts):
        raise BadBenchmark(f"{folder}: no knowmem, verbmem or privleak files of MUSE")
    return muse


def _load(path: Path | None, loader: Callable[[Path], tuple[Row, ...]]) -> tuple[Row, ...]:
    return loader(path) if path else ()


def load_passages(path: Path) -> tuple[Passage, ...]:
    """The rows of a verbmem file."""
    return tuple(Passage(row.member("prompt").text(), row.member("gt").text()) for row in read_rows(path))


def load_texts(path: Path) -> tuple[str, ...]:
    """The texts of a privleak, raw or sust file; {"text": ...} rows are taken too."""
    rows = read_rows(path)
    return tuple((row.member("text") if isinstance(row.value, dict) else row).text() for row in rows)


def load_articles(path: Path) -> tuple[str, ...]:
    """The distinct texts of a raw, scal or sust file, without the blank strings that the published ones hold."""
    return tuple(dict.fromkeys(row.text() for row in read_rows(path) if row.value != ""))


def knowledge_prompt(shots: Sequence[Question], question: str) -> str:
    """The completion prompt of KnowMem: the examples, the question, and a trailing space."""
    examples = "".join(f"Question: {shot.question}\nAnswer: {shot.answer}\n\n" for shot in shots)
    return f"{examples}Question: {question}\nAnswer: "


def cut_answer(generated: str) -> str:
    """A KnowMem output up to the first of the ends a few-shot prompt provokes; not stripped."""
    for end in _ENDS:
        generated = generated.split(end)[0]
    return generated


def cut_gold(gold: str, encode: Callable[[str], Sequence[int]], decode: Callable[[Sequence[int]], str]) -> str:
    """The gold text of VerbMem: its first 128 ids as `encode` gives them, begin-of-sequence counted, decoded.

    `decode` leaves special tokens out. open-unlearning does not cut.
    """
    return decode(encode(gold)[:VERBMEM_MAX_TOKENS])


Cut = Callable[[str], str]
"""Cuts a gold continuation as the authors do, by the model's own tokens."""


def tasks(benchmark: Muse, limit: int | None, cut: Cut) -> tuple[Task[Item], ...]:
    """The tasks of a corpus, each of its first `limit` rows; parts whose files are missing are left out."""
    verbatim = [Item(Prompt(row.prompt, chat=False), cut(row.continuation)) for row in benchmark.passages[:limit]]
    all_tasks = (
        Task("verbmem", verbatim, VERBMEM_MAX_TOKENS, _on_continuation),
        _knowledge("knowmem_forget", benchmark.forget[:limit], benchmark.forget_shots),
        _knowledge("knowmem_retain", benchmark.retain[:limit], benchmark.retain_shots),
        _texts("privleak_forget", benchmark.member_texts[:limit]),
        _texts("privleak_holdout", benchmark.holdout_texts[:limit]),
    )
    return tuple(task for task in all_tasks if task.items)


def _knowledge(name: str, rows: Sequence[Question], shots: Sequence[Question]) -> Task[Item]:
    prompts = [knowledge_prompt(shots, row.question) for row in rows]
    items = [Item(Prompt(prompt, chat=False), row.answer) for row, prompt in zip(rows, prompts, strict=True)]
    return Task(name, items, KNOWMEM_MAX_TOKENS, _on_answer)


def _texts(name: str, texts: Sequence[str]) -> Task[Item]:
    # A text is scored from its first token; who wants it scored must send it, so a detector reads all of it.
    items = [Item(Prompt("", chat=False), answers=(text,), detector_text=text) for text in texts]
    return Task(name, items, measure_scores=_on_text, end=False)


def _on_continuation(item: Item, text: str) -> dict[str, Value]:
    quoted = longest_quote([f"{item.detector_text} {item.gold}"], text).words
    return {"rougeL_f1": rouge(item.gold, text, stemmer=False).rougeL_f1, "quoted_words": float(quoted)}


def _on_answer(item: Item, text: str) -> dict[str, Value]:
    return {"rougeL_f1": rouge(item.gold, cut_answer(text), stemmer=False).rougeL_f1}


def _on_text(item: Item, forced: Sequence[ScoredAnswer]) -> dict[str, Value]:
    answer = forced[0]
    return {
        "min_k": muse_min_k(answer.log_probs),
        "tokens": float(len(answer.labels)),
        "forbidden_tokens": float((answer.log_probs == -float("inf")).sum()),
    }
