from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from guard.policy.compiler import Compiler
from guard.policy.folder import sweep
from guard.registry.registry import Registry
from guard.targets.target import Draft, Scope

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PERSON = Draft(name="Orla Venn", phrases=("Mirrow Gate",))
OTHER = Draft(name="Pell Dross", phrases=("Tarn Hollow",))
CODE = Draft(name="gate code", phrases=("zx-4471-q",), scope=Scope.ALWAYS)
KEY = Draft(name="door key", phrases=("kk-9982-w",), scope=Scope.ALWAYS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "policy"


@pytest.fixture
def every_refresh_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "SWEEP_PERIOD_S", 0.0)


def digests(folder: Path, *, aged: bool = False) -> set[str]:
    """Return the digests of the files; `aged`: all are an hour old from now on."""
    for path in folder.glob("*.automaton") if aged else ():
        os.utime(path, (time.time() - 3600,) * 2)
    return {path.stem for path in folder.glob("*.automaton")}


@pytest.mark.usefixtures("every_refresh_sweeps")
def test_files_of_what_ended_are_removed_by_the_sweep_after_the_next(
    folder: Path, registry: Registry, compiler: Compiler
) -> None:
    policy = compiler.refresh(None, NOW)
    ended, kept = registry.add_many([PERSON, OTHER])
    ended_code, _ = registry.add_many([CODE, KEY])
    policy = compiler.refresh(policy, NOW)
    gone = {policy.contextual[ended.id], *policy.always.digests}
    stays = policy.contextual[kept.id]
    registry.revoke(ended.id)
    registry.revoke(ended_code.id)
    policy = compiler.refresh(policy, NOW)
    assert gone <= digests(folder, aged=True), "what began under the last policy may still need them"
    for _ in range(2):
        policy = compiler.refresh(policy, NOW)
    assert digests(folder) == {stays, *policy.always.digests, *policy.watch.digests}


@pytest.mark.usefixtures("every_refresh_sweeps")
def test_a_recent_file_stays_though_nothing_needs_it(folder: Path, registry: Registry, compiler: Compiler) -> None:
    policy = compiler.refresh(None, NOW)
    code = registry.add(CODE)
    policy = compiler.refresh(policy, NOW)
    before = set(policy.always.digests)
    registry.revoke(code.id)
    for path in folder.glob("*.automaton"):
        os.utime(path, (time.time() + 60,) * 2)
    for _ in range(4):
        policy = compiler.refresh(policy, NOW)
    assert before <= digests(folder)


@pytest.mark.usefixtures("every_refresh_sweeps")
def test_what_is_forbidden_again_is_in_force_from_its_earlier_file(
    folder: Path, registry: Registry, compiler: Compiler
) -> None:
    policy = compiler.refresh(None, NOW)
    code = registry.add(CODE)
    policy = compiler.refresh(policy, NOW)
    before = policy.always.digests
    registry.revoke(code.id)
    policy = compiler.refresh(policy, NOW)
    digests(folder, aged=True)
    registry.add(CODE)
    policy = compiler.refresh(policy, datetime.now(UTC))
    assert policy.always.digests == before
    for _ in range(3):
        policy = compiler.refresh(policy, NOW)
    assert policy.automata[before[0]].matches("zx4471q")


def test_a_sweep_waits_for_its_period(folder: Path, registry: Registry, compiler: Compiler) -> None:
    policy = compiler.refresh(None, NOW)
    code = registry.add(CODE)
    policy = compiler.refresh(policy, NOW)
    before = set(policy.always.digests)
    registry.revoke(code.id)
    digests(folder, aged=True)
    for _ in range(3):
        policy = compiler.refresh(policy, NOW)
    assert before <= digests(folder)
