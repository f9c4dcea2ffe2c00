"""Automata that are worn are compiled together in the background; what changes meanwhile is in force at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from guard.matching.automaton_store import AutomatonStore
from guard.policy import layers
from guard.policy.compiler import Compiler
from guard.policy.policy import Policy
from guard.registry.registry import Registry
from guard.targets.target import Draft, Kind, Scope

NAMES = [
    f"{first} {last}" for first in ("Orla", "Pell", "Tova") for last in ("Quarnwick", "Drosswell", "Brenhild")
]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "MAX_RECENT_PHRASES", 1)
    monkeypatch.setattr(layers, "MAX_LAYERS", 3)
    monkeypatch.setattr(layers, "MAX_DEAD_SHARE", 1.0)


@contextmanager
def merging_waits(monkeypatch: pytest.MonkeyPatch, fails: bool = False) -> Iterator[None]:
    """What is compiled in the background is only compiled, or fails, after the block."""
    write, allowed = AutomatonStore.write, threading.Event()

    def waiting(self: AutomatonStore, *what: object) -> str:
        if threading.current_thread().name == "background":
            assert allowed.wait(20)
            if fails:
                raise OSError("disk full")
        return write(self, *what)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(AutomatonStore, "write", waiting)
        yield
        allowed.set()


def draft(name: str, scope: Scope) -> Draft:
    return Draft(name=name, kind=Kind.PERSON, scope=scope)


def found(policy: Policy, scope: Scope) -> set[str]:
    text = ", ".join(NAMES)
    if scope is Scope.CONTEXTUAL:
        automata = [policy.automata[digest] for digest in policy.watch.digests]
        return {policy.targets[id].draft.name for id in policy.watch.said(text, automata)}
    matched = (o for digest in policy.always.digests for o in policy.automata[digest].matches(text))
    return {said for o in matched if (said := text[o.start : o.end]) in NAMES}


def digests(policy: Policy, scope: Scope) -> tuple[str, ...]:
    return policy.always.digests if scope is Scope.ALWAYS else policy.watch.digests


def until(done: Callable[[Policy], bool], compiler: Compiler, policy: Policy) -> Policy:
    end = time.monotonic() + 20
    while not done(policy) and time.monotonic() < end:
        policy = compiler.refresh(policy, NOW)
    return policy


@pytest.mark.parametrize("scope", Scope)
def test_changes_are_in_force_at_once_before_while_and_after_all_are_compiled_together(
    registry: Registry, compiler: Compiler, monkeypatch: pytest.MonkeyPatch, scope: Scope
) -> None:
    policy = compiler.compile()
    ids = {}
    with merging_waits(monkeypatch):
        for name in NAMES[:6]:
            ids[name] = registry.add(draft(name, scope)).id
            policy = compiler.refresh(policy, NOW)
            assert found(policy, scope) == set(ids)
        for gone, new in (NAMES[0], NAMES[6]), (NAMES[5], NAMES[7]), (NAMES[6], NAMES[8]):
            registry.revoke(ids.pop(gone))
            ids[new] = registry.add(draft(new, scope)).id
            policy = compiler.refresh(policy, NOW)
            assert found(policy, scope) == set(ids)
        assert len(digests(policy, scope)) > 4
    policy = until(lambda policy: len(digests(policy, scope)) <= 4, compiler, policy)
    assert len(digests(policy, scope)) <= 4
    assert found(policy, scope) == set(ids)
    registry.revoke(ids.pop(NAMES[1]))
    assert found(compiler.refresh(policy, NOW), scope) == set(ids)


def test_a_merge_that_fails_leaves_what_is_in_force_and_is_tried_again(
    registry: Registry, compiler: Compiler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    policy = compiler.compile()
    with merging_waits(monkeypatch, fails=True):
        for name in NAMES[:6]:
            registry.add(draft(name, Scope.ALWAYS))
            policy = compiler.refresh(policy, NOW)
    # Refreshing takes up the failure.
    policy = until(lambda _: bool(caplog.records), compiler, policy)
    assert "OSError" in caplog.text
    assert found(policy, Scope.ALWAYS) == set(NAMES[:6])
    registry.add(draft(NAMES[6], Scope.ALWAYS))
    policy = until(lambda policy: len(policy.always.digests) < 3, compiler, policy)
    assert len(policy.always.digests) < 3
    assert found(policy, Scope.ALWAYS) == set(NAMES[:7])


@pytest.mark.parametrize("scope", Scope)
def test_ending_a_target_compiles_nothing(
    registry: Registry, compiler: Compiler, monkeypatch: pytest.MonkeyPatch, scope: Scope
) -> None:
    first, second = registry.add_many([draft(name, scope) for name in NAMES[:2]])
    policy = compiler.compile()
    monkeypatch.setattr(compiler._store, "write", lambda *_: pytest.fail("compiled"))
    registry.revoke(first.id)
    policy = compiler.refresh(policy, NOW)
    assert found(policy, scope) == {second.draft.name}
    # What the conversation supplies of the other leaves nothing of the one that ended.
    if scope is Scope.CONTEXTUAL:
        (automaton,) = policy.watch.without({second.id}, [policy.automata[d] for d in policy.watch.digests])
        assert automaton.matches(", ".join(NAMES)) == []
