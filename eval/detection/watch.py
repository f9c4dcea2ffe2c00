"""Measures the watch: prompt and answer together, with the reference answers fed through the output guard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import orjson

from eval.detection.dataset import DetectorDataset, LabelledText, TextGroup
from eval.methods.detector_gate import open_gate
from guard.detection.detector import Detector
from guard.detection.embedder import Embedder
from guard.detection.training import FitProgress
from guard.matching.automaton import Automaton
from guard.policy.policy import Policy
from guard.text.conversation import Message
from serving.answers.output_guard import OutputGuard


class WatchResult(NamedTuple):
    """The outcome of one group of texts with reference answers.

    asked    of how many texts the prompt touched the target (any, where the texts are about none)
    changed  how many answers the output guard changed of those whose prompt touched no target
    told     of the texts about a target, how many are touched by the prompt or the answer
    """

    group: str
    about: bool
    texts: int
    asked: int
    changed: int
    told: int


def measure_watch(dataset: DetectorDataset, embedder: Embedder, progress: FitProgress) -> tuple[WatchResult, ...]:
    """Compile the targets as a server does, and read every prompt and, as the watch would, every answer."""
    with TemporaryDirectory() as folder, open_gate(dataset.drafts, embedder, Path(folder)) as gate:
        detector, results = Detector(embedder), []
        for number, group in enumerate(dataset.groups):
            progress(group.name, number / len(dataset.groups))
            results.append(_result(group, gate.policy, detector))
        return tuple(results)


def markdown(name: str, results: Sequence[WatchResult]) -> str:
    """Return the tables of texts about a target, and of those to be answered."""
    return "\n".join([f"## {name}\n", *_about(results), "", *_others(results), ""])


def _result(group: TextGroup, policy: Policy, detector: Detector) -> WatchResult:
    automata = tuple(policy.automata[digest] for digest in policy.watch.digests)
    names = {target.id: target.draft.name for target in policy.targets.values()}
    asked = changed = told = 0
    for one in group.texts:
        matches = detector.detect(policy.lookup, [Message("user", one.text)])
        touched = {names[match.target_id] for match in matches}
        said = {names[target] for target in policy.watch.said(one.answer, automata)}
        asked += one.target in touched if one.target else bool(touched)
        changed += not touched and _is_changed(one, automata)
        told += one.target in touched | said
    return WatchResult(group.name, group.about, len(group.texts), asked, changed, told)


def _is_changed(one: LabelledText, automata: Sequence[Automaton]) -> bool:
    """Whether the output guard changes the reference answer."""
    choice = {"index": 0, "message": {"role": "assistant", "content": one.answer}, "finish_reason": "stop"}
    payload = orjson.dumps({"choices": [choice]})
    return OutputGuard(automata, ("",), 1, "declined").answer(payload) != payload


def _about(results: Sequence[WatchResult]) -> Iterable[str]:
    yield "| about a target | texts | by prompt | by prompt or answer |"
    yield "| --- | --- | --- | --- |"
    about = [result for result in results if result.about]
    for one in (*about, _total(about)):
        yield f"| {one.group} | {one.texts} | {one.asked / one.texts:.4f} | {one.told / one.texts:.4f} |"


def _others(results: Sequence[WatchResult]) -> Iterable[str]:
    yield "| to be answered | texts | touched by prompt | answers changed |"
    yield "| --- | --- | --- | --- |"
    others = [result for result in results if not result.about]
    for one in (*others, _total(others)):
        yield f"| {one.group} | {one.texts} | {one.asked / one.texts:.4f} | {one.changed / one.texts:.4f} |"


def _total(results: Sequence[WatchResult]) -> WatchResult:
    counts = [sum(column) for column in zip(*(result[2:] for result in results), strict=True)]
    return WatchResult("all", results[0].about, *counts)
