"""The policy of each policy set: the whole policy with the targets alone that hold for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import NamedTuple

from guard.matching.automaton_store import AutomatonStore
from guard.policy.change import Change
from guard.policy.contextual import is_always_on
from guard.policy.policy import Policy
from guard.targets.policy_set import PolicySet, holds_for, set_id
from guard.targets.target import ForgetTarget

MAX_UNWANTED = 4
"""Policies kept for requests under an earlier policy, or with a policy set that is not wanted yet."""


class _Made(NamedTuple):
    """The policy of a policy set, and the whole policy that it follows; `merged` is what was compiled together of
    the one that its automata were taken from."""

    whole: Policy
    policy: Policy
    merged: tuple[str, ...]


class PolicySets:
    """The policies of the policy sets that are `wanted`, made with each whole policy; others when asked for.

    The cost of a change is in proportion to what has changed, for each policy set. Thread-safe.
    """

    def __init__(
        self, store: AutomatonStore, wanted: Callable[[], Collection[PolicySet]] = frozenset[PolicySet]
    ) -> None:
        self._store = store
        self._wanted = wanted
        self._made: dict[PolicySet, _Made] = {}
        self._others: dict[PolicySet, _Made] = {}
        self._lock = threading.Lock()

    def of(self, whole: Policy, tags: PolicySet) -> Policy:
        """Return the policy of a policy set. Raises PolicyUnavailable when an automaton cannot be written."""
        known = self._made.get(tags)
        if known is not None and known.whole is whole:
            return known.policy
        with self._lock:
            for known in (self._made.get(tags), self._others.get(tags)):
                if known is not None and known.whole is whole:
                    return known.policy
            made = self._restricted(whole, tags)
            self._others.pop(tags, None)
            while len(self._others) >= MAX_UNWANTED:
                del self._others[next(iter(self._others))]
            self._others[tags] = made
            return made.policy

    def follow(self, before: Policy | None, whole: Policy, change: Change | None = None) -> bool:
        """Make the policies that are wanted from `whole`, which follows `before` by `change`.

        Return whether any is new. Raises as `of` does.
        """
        made: dict[PolicySet, _Made] = {}
        for tags in self._wanted():
            known = self._made.get(tags)
            if known is None or (known.whole is not before and known.whole is not whole):
                made[tags] = self._restricted(whole, tags)
            elif known.whole is whole:
                made[tags] = known
            else:
                made[tags] = self._changed(known, whole, tags, change)
        with self._lock:
            gone = self.files
            is_new = made.keys() != self._made.keys() or any(
                one.policy is not self._made[tags].policy for tags, one in made.items()
            )
            self._made, self._others = made, {}
            self._store.unmap(gone - self.files - whole.files)
        return is_new

    @property
    def files(self) -> frozenset[str]:
        """The digests of the files that the policies need, besides those of the whole one."""
        return frozenset().union(*(made.policy.files for made in (*self._made.values(), *self._others.values())))

    @property
    def live(self) -> Mapping[str, tuple[str, ...]]:
        """By the id of each policy set that is wanted: the automata that hold in all of its answers."""
        return {set_id(tags): made.policy.always.digests for tags, made in self._made.items()}

    def _restricted(self, whole: Policy, tags: PolicySet) -> _Made:
        """Return `whole` with the targets that hold for `tags` alone; nothing is compiled but recent phrases."""
        shown = {id: target for id, target in whole.targets.items() if holds_for(target, tags)}
        hidden = [target for id, target in whole.targets.items() if id not in shown]
        policy = replace(
            _with_targets(whole, shown, tags),
            always=whole.always.with_changes((), hidden, self._store, whole.context),
            watch=whole.watch.with_changes((), hidden, self._store),
            shadow_watch=whole.shadow_watch.with_changes((), hidden, self._store),
            near=whole.near.with_changes((), [target.id for target in hidden], whole.context),
        )
        return _Made(whole, policy, _merged(whole))

    def _changed(self, known: _Made, whole: Policy, tags: PolicySet, change: Change | None) -> _Made:
        """Return what `known` becomes by a change of the whole policy."""
        before = known.policy
        active = [target for target in change.active if holds_for(target, tags)] if change else []
        earlier = [target for target in change.earlier if target.id in before.targets] if change else []
        gone = [target.id for target in earlier]
        shown = {**before.targets, **{target.id: target for target in active}}
        for id in set(gone).difference(target.id for target in active):
            del shown[id]
        is_worn = any(each.is_worn for each in (before.always, *before.watches))
        # What hides much of the whole is worn from the beginning, and so again if it is taken from the same.
        if is_worn and _merged(whole) != known.merged:
            return self._restricted(whole, tags)
        always_on = [target for target in active if is_always_on(target)]
        policy = replace(
            _with_targets(whole, shown, tags),
            always=before.always.with_changes(always_on, earlier, self._store, whole.context),
            watch=before.watch.with_changes(active, earlier, self._store),
            shadow_watch=before.shadow_watch.with_changes(active, earlier, self._store),
            near=before.near.with_changes(always_on, gone, whole.context),
        )
        return _Made(whole, policy, known.merged)


def _merged(whole: Policy) -> tuple[str, ...]:
    """Return the largest of the automata of each kind: others, once all phrases were compiled together."""
    return tuple(layer.whole for each in (whole.always, *whole.watches) for layer in each.layers.settled[:1])


def _with_targets(whole: Policy, shown: Mapping[str, ForgetTarget], tags: PolicySet) -> Policy:
    lookup = whole.lookup
    return replace(
        whole,
        tags=tags,
        canaries=whole.canaries.only(shown),
        lookup=replace(
            lookup,
            targets=shown,
            classes={id: classes for id, classes in lookup.classes.items() if id in shown},
            pending={id: each for id, each in lookup.pending.items() if id in shown},
        ),
    )
