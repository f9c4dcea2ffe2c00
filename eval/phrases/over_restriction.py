"""Over-restriction: the share of ordinary answers that invented forget targets of scope `always` would change."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from eval.benchmarks.files import load_questions, need
from eval.benchmarks.rwku import load
from eval.phrases.invented_targets import invented_targets
from guard.matching.automaton import Automaton
from guard.matching.automaton_store import AutomatonStore
from guard.matching.near import NearScanner, NearTexts
from guard.matching.scanner import Scanner
from guard.policy.always import AlwaysOnAutomata
from guard.policy.near import MAX_TARGETS, AlwaysNear
from guard.policy.phrase_counts import PhraseCounts
from guard.targets.target import ForgetTarget

OWN = "ordinary sentences"
MAX_REASONS = 12
MAX_COMPILED_TARGETS = 5_000
"""Some 160,000 phrases, whose automaton takes 400 MB."""


class OrdinaryAnswer(NamedTuple):
    """An answer that tells nothing of a target, the set that it is from, and whether rules may be tuned on it."""

    source: str
    text: str
    is_tuned_on: bool = True


class Half(NamedTuple):
    """How many answers there are in a half of them, and how many of these are changed."""

    answers: int
    changed: int


class Changed(NamedTuple):
    """What `targets` invented targets change: answers by set, those that rules may be tuned on and the others, and
    the most frequent causes with their counts, in those that rules may be tuned on alone."""

    targets: int
    phrases: int
    answers: Counter[str]
    changed: Counter[str]
    tuned_on: Half
    others: Half
    causes: list[tuple[str, int]]

    @property
    def share(self) -> float:
        """The share of all answers that are changed."""
        return self.changed.total() / self.answers.total()


def ordinary_answers(data: Path, count: int, seed: int = 0) -> list[OrdinaryAnswer]:
    """Return `count` answers: our own sentences, TOFU's real authors, world facts and retained authors, and RWKU's
    neighbours, drawn where there are more than needed. Rules may be tuned on every second one.

    `data` has the benchmarks' files in `tofu/` and `rwku/`.
    """
    own = files("eval.phrases").joinpath("ordinary.txt").read_text("utf-8").splitlines()
    answers = [OrdinaryAnswer(OWN, line) for line in own if line and not line.startswith("#")]
    for name in ("world_facts", "real_authors"):
        rows = load_questions(need(data / "tofu", name))
        answers += [OrdinaryAnswer(f"TOFU {name}", f"{row.question} {row.answer}") for row in rows]
    neighbours = [
        OrdinaryAnswer("RWKU neighbours", probe.query.replace("___", probe.answer) + f" {probe.answer}")
        for level in ("neighbor_level1", "neighbor_level2")
        for probe in load(need(data / "rwku" / "forget_neighbor", level))
    ]
    retained = [
        OrdinaryAnswer("TOFU retain90", row.answer) for row in load_questions(need(data / "tofu", "retain90"))
    ]
    chance = random.Random(seed)
    left = max(0, count - len(answers))
    answers += chance.sample(neighbours, min(left // 2, len(neighbours)))
    answers += chance.sample(retained, min(count - len(answers), len(retained)))
    return [answer._replace(is_tuned_on=index % 2 == 0) for index, answer in enumerate(answers)]


def over_restriction(answers: Sequence[OrdinaryAnswer], counts: Sequence[int], seed: int = 0) -> Iterator[Changed]:
    """Yield for each number of invented targets how many of the answers they change.

    An answer is changed if the output guard, with the automata and the long phrases (`guard.policy.near`) that the
    compiler makes of the targets, would withhold any of it. MAX_COMPILED_TARGETS are compiled at a time, which
    bounds the memory: invented targets have no exceptions, so that what some of them forbid does not depend on the
    others.
    """
    for count in counts:
        phrases = 0
        everyone = list(invented_targets(count, seed))
        context = PhraseCounts(everyone).context()
        unchanged, hit = list(answers), list[OrdinaryAnswer]()
        causes = Counter[str]()
        for targets in _batches(iter(everyone), MAX_COMPILED_TARGETS):
            phrases += sum(len(target.forbidden) + len(target.variants) for target in targets)
            with tempfile.TemporaryDirectory(prefix="lethe-eval-") as folder:
                store = AutomatonStore(Path(folder))
                always = AlwaysOnAutomata().with_changes(targets, (), store, context)
                automata = [store[digest] for digest in always.digests]
                near = AlwaysNear().with_changes(targets if count <= MAX_TARGETS else (), (), context).texts
                changed = [answer for answer in unchanged if _is_changed(automata, near, answer.text)]
                shown = (answer.text for answer in changed if answer.is_tuned_on)
                causes.update(_cause(automata, near, text) for text in shown)
            hit += changed
            unchanged = [answer for answer in unchanged if answer not in changed]
        yield Changed(
            count,
            phrases,
            Counter(answer.source for answer in answers),
            Counter(answer.source for answer in hit),
            _half(answers, hit, is_tuned_on=True),
            _half(answers, hit, is_tuned_on=False),
            causes.most_common(MAX_REASONS),
        )


def _half(answers: Sequence[OrdinaryAnswer], changed: Sequence[OrdinaryAnswer], *, is_tuned_on: bool) -> Half:
    counts = (sum(answer.is_tuned_on is is_tuned_on for answer in given) for given in (answers, changed))
    return Half(*counts)


def _batches(targets: Iterator[ForgetTarget], size: int) -> Iterator[list[ForgetTarget]]:
    while batch := list(islice(targets, size)):
        yield batch


def _is_changed(automata: Sequence[Automaton], near: NearTexts, text: str) -> bool:
    scanner = NearScanner(Scanner(automata), [near])
    return scanner.feed(text) + scanner.finish() != text


def _cause(automata: Sequence[Automaton], near: NearTexts, text: str) -> str:
    """Return the text that is withheld first: of invented people and public benchmarks, so it may be shown."""
    scanner = NearScanner(Scanner(automata), [near])
    released = scanner.feed(text)
    return text[len(released) :][:24]
