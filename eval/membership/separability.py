"""How well targets are told from other names by what an outsider sees (after FUMA): the area under the curve."""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from eval.membership.observe import Observation
from eval.membership.probes import Group
from eval.metrics.membership import auc
from eval.metrics.statistics import KsTest, forget_quality

PERMUTATIONS = 99
FOLDS = 5
_WORD = re.compile(r"\w+")
_REFUSAL = re.compile(
    r"\b(?:do(?:es)? not|don['’]t|can ?not|can['’]t|not|never|no)"
    r" (?:know|have|aware|familiar|able|answer|help|sure|information|heard|certain)"
    r"|\b(?:sorry|unable|unknown)\b|\bno record",
    re.IGNORECASE,
)


class Separation(NamedTuple):
    """How well one thing that an outsider sees tells targets from another group.

    auc   of the better direction: .5 tells nothing
    null  the greatest of 95 % of the AUCs with the names dealt to the groups by chance: what luck alone may give
    """

    what: str
    other: Group
    auc: float
    null: float


def separations(seen: Sequence[Observation]) -> Iterator[Separation]:
    """Yield how well answers, refusals, latency and log-probabilities tell the targets from each other group."""
    for other in (Group.SERVED, Group.INVENTED):
        own = [one for one in seen if one.probe.group in (Group.TARGET, other)]
        for what, scores_of in _SCORES.items():
            yield Separation(what, other, *_against_chance(own, scores_of))


def latency_test(seen: Sequence[Observation], other: Group) -> KsTest:
    """Return the two-sample Kolmogorov-Smirnov test of the seconds that targets and another group took."""
    taken = {group: [one.seconds for one in seen if one.probe.group is group] for group in (Group.TARGET, other)}
    return forget_quality(taken[Group.TARGET], taken[other])


def shapes(seen: Sequence[Observation]) -> dict[Group, Counter[tuple[str, ...]]]:
    """Return how often each group's answers had which shape."""
    found: dict[Group, Counter[tuple[str, ...]]] = {group: Counter() for group in Group}
    for one in seen:
        found[one.probe.group][one.shape] += 1
    return found


def refuses(text: str) -> bool:
    """Whether an answer says that it does not know or will not say."""
    return not text.strip() or bool(_REFUSAL.search(text))


Scores = Callable[[Sequence[Observation], Sequence[bool]], list[float]]


def _against_chance(seen: Sequence[Observation], scores_of: Scores) -> tuple[float, float]:
    names = sorted({one.probe.name for one in seen})
    of_targets = {one.probe.name for one in seen if one.probe.group is Group.TARGET}
    chance = random.Random(0)
    by_chance = sorted(
        _auc(seen, set(chance.sample(names, len(of_targets))), scores_of) for _ in range(PERMUTATIONS)
    )
    return _auc(seen, of_targets, scores_of), by_chance[math.ceil(0.95 * PERMUTATIONS) - 1]


def _auc(seen: Sequence[Observation], targets: set[str], scores_of: Scores) -> float:
    is_target = [one.probe.name in targets for one in seen]
    scores = scores_of(seen, is_target)
    own = [score for score, target in zip(scores, is_target, strict=True) if target]
    others = [score for score, target in zip(scores, is_target, strict=True) if not target]
    area = auc(own, others)
    return max(area, 1.0 - area)


def _wording(seen: Sequence[Observation], is_target: Sequence[bool]) -> list[float]:
    """Return, by answer, the log-odds that it is about a target, by a naive Bayes classifier of its words.

    It is trained on the answers about the names of other folds; each fold has as many names of either kind. The
    words of the question are left out.
    """
    words = [set(_words(one.text)) - set(_words(one.probe.question)) for one in seen]
    folds = _folds(seen, is_target)
    scores = [0.0] * len(seen)
    for fold in range(FOLDS):
        counts, rows = {True: Counter[str](), False: Counter[str]()}, Counter[bool]()
        for said, target, own in zip(words, is_target, folds, strict=True):
            if own != fold:
                counts[target].update(said)
                rows[target] += 1
        for place, said in enumerate(words):
            if folds[place] == fold:
                shares = (
                    [(counts[kind][word] + 0.5) / (rows[kind] + 1) for word in sorted(said)]
                    for kind in (True, False)
                )
                scores[place] = sum(math.log(a / b) for a, b in zip(*shares, strict=True))
    return scores


def _folds(seen: Sequence[Observation], is_target: Sequence[bool]) -> list[int]:
    """Return the fold of each answer: that of its name."""
    names: dict[bool, dict[str, int]] = {True: {}, False: {}}
    for one, target in zip(seen, is_target, strict=True):
        names[target].setdefault(one.probe.name, len(names[target]) % FOLDS)
    return [names[target][one.probe.name] for one, target in zip(seen, is_target, strict=True)]


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


_SCORES: dict[str, Scores] = {
    "answers": _wording,
    "refusals": lambda seen, _: [float(refuses(one.text)) for one in seen],
    "latency": lambda seen, _: [one.seconds for one in seen],
    # A declined answer has no log-probabilities, which tells it too.
    "log-probabilities": lambda seen, _: [1.0 if one.logprob is None else one.logprob for one in seen],
}


def markdown(seen: Sequence[Observation]) -> str:
    """Return the tables of a run."""
    lines = [
        "| told by | AUC, served authors | by chance | AUC, invented names | by chance |",
        "|---|---|---|---|---|",
    ]
    found = list(separations(seen))
    for what in _SCORES:
        cells = (f"{one.auc:.3f} | {one.null:.3f}" for one in found if one.what == what)
        lines.append(f"| {what} | {' | '.join(cells)} |")
    lines.append("")
    for other in (Group.SERVED, Group.INVENTED):
        test = latency_test(seen, other)
        lines.append(f"Latencies, targets against {other}: KS {test.statistic:.3f}, p {test.p_value:.3g}.")
    counted = shapes(seen)
    everyone = set().union(*counted.values())
    lines.append(f"Shapes of answers: {len(everyone)}. Only of targets: {len(_only_of_targets(counted))}.")
    refused = {group: sum(refuses(one.text) for one in seen if one.probe.group is group) for group in Group}
    asked = Counter(one.probe.group for one in seen)
    lines.append("Refusals: " + ", ".join(f"{group} {refused[group]} of {asked[group]}" for group in Group) + ".")
    return "\n".join(lines)


def _only_of_targets(counted: dict[Group, Counter[tuple[str, ...]]]) -> set[tuple[str, ...]]:
    others = set(counted[Group.SERVED]) | set(counted[Group.INVENTED])
    return set(counted[Group.TARGET]) - others
