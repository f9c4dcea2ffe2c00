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
from serving.watch.sentences import all_sentences


class WatchResult(NamedTuple):
    """The outcome of one group of texts with reference answers.

    asked    of how many texts the prompt touched the target (any, where the texts are about none)
    doubted  of how many the prompt touched nothing and left a target in doubt: the sentences of the answer decide
    changed  how many answers the watch changed of those whose prompt touched no target
    told     of the texts about a target, how many are touched by the prompt or the answer
    """

    group: str
    about: bool
    texts: int
    asked: int
    doubted: int
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
    asked = doubted = changed = told = 0
    for one in group.texts:
        matches, doubts, _ = detector.examine(policy.lookup, [Message("user", one.text)])
        touched = {names[match.target_id] for match in matches}
        said = {names[target] for target in policy.watch.said(one.answer, automata)}
        meant = {
            names[match.target_id]
            for sentence in all_sentences(one.answer)
            for match in detector.answered(policy.lookup, doubts, sentence)
        }
        asked += one.target in touched if one.target else bool(touched)
        doubted += bool(doubts) and not touched
        changed += not touched and (bool(meant) or _is_changed(one, automata))
        told += one.target in touched | said | meant
    return WatchResult(group.name, group.about, len(group.texts), asked, doubted, changed, told)


def _is_changed(one: LabelledText, automata: Sequence[Automaton]) -> bool:
    """Whether the output guard changes the reference answer."""
    choice = {"index": 0, "message": {"role": "assistant", "content": one.answer}, "finish_reason": "stop"}
    payload = orjson.dumps({"choices": [choice]})
    return OutputGuard(automata, ("",), 1, "declined").answer(payload) != payload


def _about(results: Sequence[WatchResult]) -> Iterable[str]:
    yield "| about a target | texts | by prompt | in doubt | by prompt or answer |"
    yield "| --- | --- | --- | --- | --- |"
    about = [result for result in results if result.about]
    for one in (*about, _total(about)):
        yield _row(one, one.told)


def _others(results: Sequence[WatchResult]) -> Iterable[str]:
    yield "| to be answered | texts | touched by prompt | in doubt | answers changed |"
    yield "| --- | --- | --- | --- | --- |"
    others = [result for result in results if not result.about]
    for one in (*others, _total(others)):
        yield _row(one, one.changed)


def _row(one: WatchResult, last: int) -> str:
    shares = (f"{count / one.texts:.4f}" for count in (one.asked, one.doubted, last))
    return f"| {one.group} | {one.texts} | {' | '.join(shares)} |"


def _total(results: Sequence[WatchResult]) -> WatchResult:
    counts = [sum(column) for column in zip(*(result[2:] for result in results), strict=True)]
    return WatchResult("all", results[0].about, *counts)
