"""What the detector is measured on: targets, what teaches of them, and what is asked, with no text in both."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from eval.benchmarks import rwku as rwku_run
from eval.benchmarks import tofu
from eval.benchmarks.files import load_questions, need
from eval.benchmarks.rwku import Form, Probe
from eval.benchmarks.targets import authors
from guard.targets.target import Draft, Fact

PEOPLE = 20
SETS = 10
# retain_perturbed is rows 0 to 399 of the 4,000, forget10 rows 3,600 to 3,999.
TAUGHT_FIRST, TAUGHT_LAST = 400, 3600


class Asked(NamedTuple):
    """A text, and the name of the target it is about; "" when it is to be answered."""

    text: str
    target: str


class Group(NamedTuple):
    """Texts of one kind."""

    name: str
    asked: tuple[Asked, ...]

    @property
    def about(self) -> bool:
        """Whether these texts are about targets."""
        return bool(self.asked[0].target)


@dataclass(frozen=True, slots=True)
class Material:
    """One measurement. `examples` and `kept` train a classifier that may let `false_positives` pass; no text of
    `groups` is among them, save where a group's name says so."""

    name: str
    drafts: tuple[Draft, ...] = field(repr=False)
    examples: tuple[Asked, ...] = field(repr=False)
    kept: tuple[str, ...] = field(repr=False)
    groups: tuple[Group, ...] = field(repr=False)
    false_positives: float


def from_tofu(folder: Path) -> Material:
    """forget10's 20 authors by their questions and answers; what is kept are the authors no set asks about."""
    sets = tofu.load(folder, "forget10")
    everything = load_questions(need(folder, "full"))
    drafts = authors(everything[TAUGHT_LAST:])
    names = [draft.name for draft in drafts for _ in draft.facts]

    def about(texts: Iterable[str]) -> tuple[Asked, ...]:
        return tuple(Asked(text, name) for text, name in zip(texts, names, strict=True))

    def others(texts: Iterable[str]) -> tuple[Asked, ...]:
        return tuple(Asked(text, "") for text in texts)

    return Material(
        name="TOFU forget10",
        drafts=drafts,
        examples=(),
        kept=tuple(row.question for row in everything[TAUGHT_FIRST:TAUGHT_LAST]),
        groups=(
            Group("original questions (the targets' own)", about(row.question for row in sets.forget)),
            Group("paraphrased questions", about(row.paraphrased_question for row in sets.forget)),
            Group("retain_perturbed", others(row.question for row in sets.retain)),
            Group("retain_perturbed, paraphrased", others(row.paraphrased_question for row in sets.retain)),
            Group("holdout10", others(row.question for row in sets.holdout)),
            Group("real authors", others(row.question for row in sets.real_authors)),
            Group("world facts", others(row.question for row in sets.world_facts)),
        ),
        false_positives=0.01,
    )


def from_rwku(folder: Path, first: int, *, taught: bool) -> Material:
    """Every tenth person of the 200, from the `first` of the ten on, asked about in every form.

    `taught`: half of the probes, chosen by digest, are what the operator knows (facts of levels 1 and 2, examples
    of level 3, and the neighbours' as texts to be answered), and the other half is asked. Else the targets are a
    name and an introduction, and all probes are asked.
    """
    drafts = rwku_run.targets(folder)[first::SETS][:PEOPLE]
    people = {draft.name for draft in drafts}
    probes = [
        probe
        for probes in rwku_run.load_probes(folder, None).values()
        for probe in probes
        if probe.subject in people
    ]
    known = [probe for probe in probes if taught and _known(probe)]
    asked = [probe for probe in probes if not (taught and _known(probe))]
    return Material(
        name=f"RWKU, {len(drafts)} people, {'half of the probes' if taught else 'name and introduction'} known",
        drafts=tuple(_with_facts(draft, known) for draft in drafts),
        examples=tuple(Asked(p.query, p.subject) for p in known if p.level == 3 and not p.neighbor),
        kept=tuple(probe.query for probe in known if probe.neighbor),
        groups=tuple(_groups(asked)),
        false_positives=0.04,
    )


def _groups(asked: Sequence[Probe]) -> Iterable[Group]:
    for form in Form:
        chosen = tuple(Asked(p.user_text, p.subject) for p in asked if p.form is form and not p.neighbor)
        if chosen:
            yield Group(form.value, chosen)
    for level in (1, 2):
        chosen = tuple(Asked(p.user_text, "") for p in asked if p.neighbor and p.level == level)
        if chosen:
            yield Group(f"neighbours, level {level}", chosen)


def _with_facts(draft: Draft, known: Sequence[Probe]) -> Draft:
    own = [probe for probe in known if probe.subject == draft.name and not probe.neighbor and probe.level < 3]
    facts = tuple(
        Fact(answer=probe.query.replace("___", probe.answer))
        if probe.form is Form.CLOZE
        else Fact(question=probe.query, answer=probe.answer)
        for probe in own
    )
    return Draft(name=draft.name, facts=(*draft.facts, *facts))


def _known(probe: Probe) -> bool:
    return hashlib.sha256(probe.query.encode()).digest()[0] % 2 == 0
