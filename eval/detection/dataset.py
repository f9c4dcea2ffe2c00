"""Datasets for the detector: targets, training texts and test texts, with no text in both."""

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

PEOPLE_PER_SET = 20
SETS = 10
# Of TOFU's 4,000 rows, retain_perturbed is rows 0 to 399 and forget10 is rows 3,600 to 3,999.
FIRST_NEGATIVE, FIRST_FORGET = 400, 3600


class LabelledText(NamedTuple):
    """A text, the name of the target it is about ("" if it should be answered), and its reference answer."""

    text: str
    target: str
    answer: str = ""


class TextGroup(NamedTuple):
    """Test texts of one kind: all about targets, or none."""

    name: str
    texts: tuple[LabelledText, ...]

    @property
    def about(self) -> bool:
        """Return whether these texts are about targets."""
        return bool(self.texts[0].target)


@dataclass(frozen=True, slots=True)
class DetectorDataset:
    """Targets with training and test texts. No test text is a training text, unless its group's name says so.

    examples, negatives  training texts of the classifier: about a target, and to be answered
    false_positives      the rate of false positives that the classifier may have
    """

    name: str
    drafts: tuple[Draft, ...] = field(repr=False)
    examples: tuple[LabelledText, ...] = field(repr=False)
    negatives: tuple[str, ...] = field(repr=False)
    groups: tuple[TextGroup, ...] = field(repr=False)
    false_positives: float


def from_tofu(folder: Path) -> DetectorDataset:
    """Return forget10's 20 authors with their questions; negatives are about authors that no group asks about."""
    sets = tofu.load(folder, "forget10")
    everything = load_questions(need(folder, "full"))
    drafts = authors(everything[FIRST_FORGET:])
    names = [draft.name for draft in drafts for _ in draft.facts]

    def about(texts: Iterable[str]) -> tuple[LabelledText, ...]:
        return tuple(LabelledText(text, name) for text, name in zip(texts, names, strict=True))

    def others(texts: Iterable[str]) -> tuple[LabelledText, ...]:
        return tuple(LabelledText(text, "") for text in texts)

    return DetectorDataset(
        name="TOFU forget10",
        drafts=drafts,
        examples=(),
        negatives=tuple(row.question for row in everything[FIRST_NEGATIVE:FIRST_FORGET]),
        groups=(
            TextGroup("original questions (the targets' own)", about(row.question for row in sets.forget)),
            TextGroup("paraphrased questions", about(row.paraphrased_question for row in sets.forget)),
            TextGroup("retain_perturbed", others(row.question for row in sets.retain)),
            TextGroup("retain_perturbed, paraphrased", others(row.paraphrased_question for row in sets.retain)),
            TextGroup("holdout10", others(row.question for row in sets.holdout)),
            TextGroup("real authors", others(row.question for row in sets.real_authors)),
            TextGroup("world facts", others(row.question for row in sets.world_facts)),
        ),
        false_positives=0.01,
    )


def from_rwku(folder: Path, first: int, *, half_known: bool) -> DetectorDataset:
    """Return every tenth person of the 200, starting at `first` (0 to 9), with probes in every form.

    half_known  half of the probes, chosen by digest, are known to the operator: levels 1 and 2 as facts, level 3
                as examples, the neighbours' as negatives; the other half is tested. Otherwise a target has only a
                name and an introduction, and all probes are tested.
    """
    drafts = rwku_run.persons(folder)[first::SETS][:PEOPLE_PER_SET]
    people = {draft.name for draft in drafts}
    probes = [
        probe
        for probes in rwku_run.load_probes(folder, None).values()
        for probe in probes
        if probe.subject in people
    ]
    known = [probe for probe in probes if half_known and _is_known(probe)]
    tested = [probe for probe in probes if not (half_known and _is_known(probe))]
    knowledge = "half of the probes" if half_known else "name and introduction"
    return DetectorDataset(
        name=f"RWKU, {len(drafts)} people, {knowledge} known",
        drafts=tuple(_with_facts(draft, known) for draft in drafts),
        examples=tuple(LabelledText(p.query, p.subject) for p in known if p.level == 3 and not p.neighbor),
        negatives=tuple(probe.query for probe in known if probe.neighbor),
        groups=tuple(_groups(tested)),
        false_positives=0.04,
    )


def _groups(probes: Sequence[Probe]) -> Iterable[TextGroup]:
    for form in Form:
        chosen = tuple(
            LabelledText(p.user_text, p.subject, p.answer) for p in probes if p.form is form and not p.neighbor
        )
        if chosen:
            yield TextGroup(form.value, chosen)
    for level in (1, 2):
        chosen = tuple(LabelledText(p.user_text, "", p.answer) for p in probes if p.neighbor and p.level == level)
        if chosen:
            yield TextGroup(f"neighbours, level {level}", chosen)


def _with_facts(draft: Draft, known: Sequence[Probe]) -> Draft:
    own = [probe for probe in known if probe.subject == draft.name and not probe.neighbor and probe.level < 3]
    facts = tuple(
        Fact(answer=probe.query.replace("___", probe.answer))
        if probe.form is Form.CLOZE
        else Fact(question=probe.query, answer=probe.answer)
        for probe in own
    )
    return Draft(name=draft.name, facts=(*draft.facts, *facts))


def _is_known(probe: Probe) -> bool:
    return hashlib.sha256(probe.query.encode()).digest()[0] % 2 == 0
