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


class Pair(NamedTuple):
    """Two groups of names that are told apart."""

    one: Group
    other: Group


PAIRS = (
    Pair(Group.TARGET, Group.SERVED),
    Pair(Group.TARGET, Group.INVENTED),
    Pair(Group.TARGET, Group.TARGET_UNLEARNT),
    Pair(Group.SERVED, Group.OTHER_SERVED),
    Pair(Group.INVENTED, Group.OTHER_INVENTED),
    Pair(Group.INVENTED, Group.INVENTED_UNLEARNT),
)
"""The last three are controls: the list has nothing to do with them."""


class Separation(NamedTuple):
    """How well one thing that an outsider sees tells two groups of names apart.

    auc   of the better direction: .5 tells nothing
    null  the greatest of 95 % of the AUCs with the names dealt to the groups by chance: what luck alone may give
    """

    what: str
    pair: Pair
    auc: float
    null: float


def separations(seen: Sequence[Observation]) -> Iterator[Separation]:
    """Yield how well answers, refusals, latency and log-probabilities tell apart the pairs that there are."""
    groups = {one.probe.group for one in seen}
    for pair in PAIRS:
        if groups.issuperset(pair):
            own = [one for one in seen if one.probe.group in pair]
            for what, scores_of in _SCORES.items():
                yield Separation(what, pair, *_against_chance(own, pair.one, scores_of))


def latency_test(seen: Sequence[Observation], pair: Pair) -> KsTest:
    """Return the two-sample Kolmogorov-Smirnov test of the seconds that the answers about two groups took."""
    return forget_quality(*([one.seconds for one in seen if one.probe.group is group] for group in pair))


def shapes(seen: Sequence[Observation]) -> dict[Group, Counter[tuple[str, ...]]]:
    """Return how often each group's answers had which shape."""
    found: dict[Group, Counter[tuple[str, ...]]] = {}
    for one in seen:
        found.setdefault(one.probe.group, Counter())[one.shape] += 1
    return found


def refuses(text: str) -> bool:
    """Whether an answer says that it does not know or will not say."""
    return not text.strip() or bool(_REFUSAL.search(text))


Scores = Callable[[Sequence[Observation], Sequence[bool]], list[float]]


def _against_chance(seen: Sequence[Observation], group: Group, scores_of: Scores) -> tuple[float, float]:
    names = sorted(set(map(_name, seen)))
    of_group = {name for name in names if name[0] == group}
    chance = random.Random(0)
    by_chance = sorted(
        _auc(seen, set(chance.sample(names, len(of_group))), scores_of) for _ in range(PERMUTATIONS)
    )
    return _auc(seen, of_group, scores_of), by_chance[math.ceil(0.95 * PERMUTATIONS) - 1]


def _name(one: Observation) -> tuple[Group, str]:
    """Return whose answer this is: a name is also asked of another model."""
    return one.probe.group, one.probe.name


def _auc(seen: Sequence[Observation], group: set[tuple[Group, str]], scores_of: Scores) -> float:
    is_own = [_name(one) in group for one in seen]
    scores = scores_of(seen, is_own)
    own = [score for score, is_one in zip(scores, is_own, strict=True) if is_one]
    others = [score for score, is_one in zip(scores, is_own, strict=True) if not is_one]
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
    """Return the fold of each answer: that of its name, whoever was asked."""
    names: dict[bool, dict[str, int]] = {True: {}, False: {}}
    for one, target in zip(seen, is_target, strict=True):
        known = names[not target].get(one.probe.name)
        names[target].setdefault(one.probe.name, len(names[target]) % FOLDS if known is None else known)
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
    """Return the tables of a run: the AUC by what tells, with what luck alone may give in brackets."""
    lines = [f"| | {' | '.join(_SCORES)} | latency, KS |", "|---" * (len(_SCORES) + 2) + "|"]
    found = {(one.pair, one.what): one for one in separations(seen)}
    for pair in dict.fromkeys(pair for pair, _ in found):
        cells = (f"{one.auc:.3f} ({one.null:.3f})" for what in _SCORES for one in [found[pair, what]])
        test = latency_test(seen, pair)
        lines.append(
            f"| {pair.one} or {pair.other} | {' | '.join(cells)} | {test.statistic:.3f} (p {test.p_value:.2g}) |"
        )
    lines.append("")
    counted = shapes(seen)
    everyone = set().union(*counted.values())
    lines.append(f"Shapes of answers: {len(everyone)}. Only of targets: {len(_only_of_targets(counted))}.")
    refused = Counter(one.probe.group for one in seen if refuses(one.text))
    asked = Counter(one.probe.group for one in seen)
    lines.append("Refusals: " + ", ".join(f"{group} {refused[group]} of {asked[group]}" for group in asked) + ".")
    return "\n".join(lines)


def _only_of_targets(counted: dict[Group, Counter[tuple[str, ...]]]) -> set[tuple[str, ...]]:
    served = (Group.SERVED, Group.OTHER_SERVED, Group.INVENTED, Group.OTHER_INVENTED)
    return set(counted[Group.TARGET]).difference(*(counted.get(group, ()) for group in served))
