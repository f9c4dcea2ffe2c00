"""The policy of a conversation that falls in canary shares: the policy with those targets enforced."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import NamedTuple

from cachetools import LRUCache

from guard.policy.canary.canaries import Canary
from guard.policy.canary.share import Conversation
from guard.policy.contextual import is_always_on
from guard.policy.policy import Policy
from guard.targets.target import Scope

MAX_KEPT = 128
"""Policies of shares that are kept, of those used last."""


class _Key(NamedTuple):
    set_id: str
    sharing: frozenset[str]


class _Made(NamedTuple):
    """The policy of a share, and the one that it was made from."""

    base: Policy
    policy: Policy


class SharePolicies:
    """The policies of shares; nothing is compiled for them. Thread-safe."""

    def __init__(self) -> None:
        self._made: LRUCache[_Key, _Made] = LRUCache(MAX_KEPT)
        self._version = -1
        self._lock = threading.Lock()

    def of(self, policy: Policy, conversation: Conversation) -> Policy:
        """Return what `policy` is for a conversation: itself, unless that falls in the share of a target."""
        return self.sharing(policy, policy.canaries.sharing(conversation))

    def sharing(self, policy: Policy, ids: frozenset[str]) -> Policy:
        """Return `policy` with those of the targets `ids` enforced that have a share."""
        ids = frozenset(ids & policy.canaries.by_id.keys())
        if not ids or policy.sharing:
            return policy
        key = _Key(policy.set_id, ids)
        with self._lock:
            known = self._made.get(key)
            if known is not None and known.base is policy:
                return known.policy
        made = _enforcing(policy, ids)
        self.forget_but(policy.version)
        with self._lock:
            self._made[key] = _Made(policy, made)
        return made

    def on_side(self, policy: Policy, *, enforced: bool) -> Policy:
        """Return what `policy` is for conversations that fall in the share of every target, or else of none."""
        return self.sharing(policy, frozenset(policy.canaries.by_id)) if enforced else policy

    def forget_but(self, version: int) -> None:
        """Let go of what belongs to other versions: nothing of a target stays in memory for it."""
        if version != self._version:
            with self._lock:
                self._made.clear()
                self._version = version


def _enforcing(policy: Policy, ids: frozenset[str]) -> Policy:
    chosen: list[Canary] = [policy.canaries.by_id[id] for id in sorted(ids)]
    always = [canary for canary in chosen if canary.target.draft.scope is Scope.ALWAYS]
    contextual = [canary for canary in chosen if canary.target.draft.scope is Scope.CONTEXTUAL]
    forbidden = policy.always.layers.beside(layer for canary in always for layer in canary.layers)
    watched = policy.watch.layers.beside(layer for canary in contextual for layer in canary.layers)
    near = [canary.target for canary in always if is_always_on(canary.target)]
    return replace(
        policy,
        lookup=replace(policy.lookup, targets=policy.canaries.over(policy.targets, ids)),
        always=replace(policy.always, layers=forbidden),
        near=policy.near.with_changes(near, (), policy.context),
        watch=replace(policy.watch, layers=watched),
        sharing=ids,
    )
