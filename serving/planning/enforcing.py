"""Whether anything is enforced by what a conversation says."""

from __future__ import annotations

from guard.policy.policy import Policy
from guard.targets.policy_set import PolicySet, holds_for
from guard.targets.target import Mode, Scope


class Enforcing:
    """Of one policy version, by policy set: whether any of its targets is enforced by what a conversation says.

    It is counted once. Nothing of a policy is kept for it, and so nothing of a target that is no more.
    """

    def __init__(self) -> None:
        self._version = -1
        self._known: dict[PolicySet, bool] = {}

    def contextual(self, policy: Policy, tags: PolicySet) -> bool:
        """Return whether any contextual target is enforced by `policy` that holds for these tags."""
        if self._version != policy.version:
            self._version, self._known = policy.version, {}
        if tags not in self._known:
            every = policy.targets.values() if policy.lookup.has_contextual else ()
            targets = (target for target in every if holds_for(target, tags))
            self._known[tags] = any(
                t.draft.scope is Scope.CONTEXTUAL and t.draft.mode is Mode.ENFORCE for t in targets
            )
        return self._known[tags]
