"""MUSE as tasks: verbatim memory, knowledge of both sides, and the texts that membership is tested on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eval.benchmarks.muse import KNOWMEM_MAX_TOKENS, VERBMEM_MAX_TOKENS, Muse, cut_answer, knowledge_prompt
from eval.benchmarks.question import Question
from eval.metrics.membership import muse_min_k
from eval.metrics.rouge import rouge
from eval.run.ask import Ask, Forced
from eval.run.sample import Value
from eval.run.task import Item, Task
from guard.passages import longest_quote

Cut = Callable[[str], str]
"""Cuts a gold continuation as the authors do, by the model's own tokens."""


def tasks(benchmark: Muse, limit: int | None, cut: Cut) -> tuple[Task, ...]:
    """The tasks of a corpus, each of its first `limit` rows; parts whose files are missing are left out."""
    verbatim = [
        Item(Ask(row.prompt, chat=False), row.prompt, (), cut(row.continuation))
        for row in benchmark.passages[:limit]
    ]
    all_tasks = (
        Task("verbmem", verbatim, VERBMEM_MAX_TOKENS, _on_continuation, _nothing),
        _knowledge("knowmem_forget", benchmark.forget[:limit], benchmark.forget_shots),
        _knowledge("knowmem_retain", benchmark.retain[:limit], benchmark.retain_shots),
        _texts("privleak_forget", benchmark.member_texts[:limit]),
        _texts("privleak_holdout", benchmark.holdout_texts[:limit]),
    )
    return tuple(task for task in all_tasks if task.items)


def _knowledge(name: str, rows: Sequence[Question], shots: Sequence[Question]) -> Task:
    prompts = [knowledge_prompt(shots, row.question) for row in rows]
    items = [
        Item(Ask(prompt, chat=False), prompt, (), row.answer) for row, prompt in zip(rows, prompts, strict=True)
    ]
    return Task(name, items, KNOWMEM_MAX_TOKENS, _on_answer, _nothing)


def _texts(name: str, texts: Sequence[str]) -> Task:
    # A text is scored from its first token; who wants it scored must send it, so a detector reads all of it.
    items = [Item(Ask("", chat=False), text, (text,)) for text in texts]
    return Task(name, items, 0, _on_answer, _on_text, end=False)


def _on_continuation(item: Item, text: str) -> dict[str, Value]:
    quoted = longest_quote([f"{item.seen} {item.gold}"], text).words
    return {"rougeL_f1": rouge(item.gold, text, stemmer=False).rougeL_f1, "quoted_words": float(quoted)}


def _on_answer(item: Item, text: str) -> dict[str, Value]:
    return {"rougeL_f1": rouge(item.gold, cut_answer(text), stemmer=False).rougeL_f1}


def _on_text(item: Item, forced: Sequence[Forced]) -> dict[str, Value]:
    answer = forced[0]
    return {
        "min_k": muse_min_k(answer.log_probs),
        "tokens": float(len(answer.labels)),
        "forbidden_tokens": float((answer.log_probs == -float("inf")).sum()),
    }


def _nothing(item: Item, forced: Sequence[Forced]) -> dict[str, Value]:
    return {}
