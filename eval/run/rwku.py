"""RWKU as tasks: the probes of three levels on the targets, and of two on their neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from eval.benchmarks.rows import find, need, read_rows
from eval.benchmarks.rwku import MAX_TOKENS, Probe, load, scored_text
from eval.errors import BadBenchmark
from eval.metrics.rouge_words import rouge_words_recall
from eval.run.ask import Ask, Forced
from eval.run.sample import Value
from eval.run.task import Item, Task
from guard.target import Draft, Fact

SETS: Final = ("forget_level1", "forget_level2", "forget_level3", "neighbor_level1", "neighbor_level2")


def load_probes(folder: Path, limit: int | None) -> dict[str, tuple[Probe, ...]]:
    """The first `limit` probes of every set that the folder has; raises BadBenchmark where it has none."""
    files = {name: find(folder / "forget_neighbor", name) for name in SETS}
    probes = {name: load(path)[:limit] for name, path in files.items() if path}
    if not probes:
        raise BadBenchmark(f"{folder}: no forget_neighbor files of RWKU")
    return probes


def targets(folder: Path) -> tuple[Draft, ...]:
    """A forget target for each person, of what RWKU gives to forget them by: the name and an introduction."""
    rows = read_rows(need(folder, "forget_target"))
    return tuple(
        Draft(name=row.member("target").text(), facts=(Fact(answer=row.member("intro").text()),)) for row in rows
    )


def tasks(probes: Mapping[str, Sequence[Probe]]) -> tuple[Task, ...]:
    """One task for each set."""
    return tuple(
        Task(name, [_item(probe) for probe in chosen], MAX_TOKENS, _on_text, _nothing)
        for name, chosen in probes.items()
    )


def _item(probe: Probe) -> Item:
    ask = Ask(probe.user_text, prefill=probe.prefill)
    return Item(ask, probe.user_text, (), probe.answer)


def _on_text(item: Item, text: str) -> dict[str, Value]:
    # The reference stops at a line's end; what a runner says beyond it is not scored.
    said = scored_text(text.split("\n", 1)[0])
    return {"rouge_words_recall": rouge_words_recall(item.gold, said)}


def _nothing(item: Item, forced: Sequence[Forced]) -> dict[str, Value]:
    return {}
