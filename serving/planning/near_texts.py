"""What must not be nearly said under a plan."""

from __future__ import annotations

from guard.matching.near import NearTexts
from guard.policy.contextual import restricts
from guard.policy.plan import Plan
from guard.policy.policy import Policy
from guard.supplied.near import without_supplied
from guard.targets.near import near_texts
from guard.targets.target import Mode

MAX_KNOWN = 1_000
"""Targets of which it is kept: 100 kB for each amount in words, and more for passages."""


class PlanNearTexts:
    """Of one policy version, by target: what must not be nearly said of those that were touched last.

    Nothing stays of a target that is no more.
    """

    def __init__(self) -> None:
        self._version = -1
        self._known: dict[str, NearTexts] = {}

    def of(self, policy: Policy, plan: Plan) -> tuple[NearTexts, ...]:
        """Return what must not be nearly said under `plan`, which `policy` made."""
        known = self._of_version(policy.version)
        enforced = [match.target_id for match in plan.matches if match.mode is Mode.ENFORCE]
        found = {id: known.pop(id, None) for id in enforced}
        texts = {id: near_texts(policy.targets[id]) if near is None else near for id, near in found.items()}
        known |= texts
        for id in list(known)[: max(0, len(known) - MAX_KNOWN)]:
            known.pop(id, None)
        # A target that is declined has no answer, unless the conversation supplies what it is asked about.
        answered = [id for id in enforced if id not in plan.supplied and restricts(policy.targets[id])]
        touched = [texts[id] for id in answered]
        touched += [
            without_supplied(texts[id], supplied.left, supplied.text) for id, supplied in plan.supplied.items()
        ]
        return tuple(filter(None, (policy.near.texts, *touched)))

    def _of_version(self, version: int) -> dict[str, NearTexts]:
        if self._version != version:
            self._version, self._known = version, {}
        return self._known
