"""Targets that policies are made of, and what a policy holds."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from guard.detection.target_texts import MAX_STEP_TEXTS
from guard.policy.policy import Policy
from guard.targets.target import Draft, Fact, Scope

NOW = datetime(2026, 1, 1, tzinfo=UTC)


VENN = Draft(
    name="Orla Venn",
    aliases=("The Heron",),
    facts=(Fact(question="Where was she born?", answer="In Tarn Hollow."), Fact(answer="She keeps bees.")),
    passages=("The tide came in.",),
)


DROSS = Draft(name="Pell Dross", phrases=("Mirrow Gate",))


CODE = Draft(name="gate code", phrases=("zx-4471-q",), scope=Scope.ALWAYS)


KEY = Draft(name="door key", phrases=("kk-9982-w",), scope=Scope.ALWAYS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "policy"


def files(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.automaton")}


def automata(policy: Policy) -> set[str]:
    return {*policy.always.digests, *policy.watch.digests, *policy.contextual.values()}


def always_on(policy: Policy) -> set[str]:
    text = "zx4471q, kk9982w, Pell Dross, Mirrow Gate and Tarn Hollow"
    found = (match for digest in policy.always.digests for match in policy.automata[digest].matches(text))
    return {text[match.start : match.end] for match in found}


def crowd(count: int, first: int = 0, **members: Any) -> list[Draft]:
    return [Draft(name=f"Crowd Person{n:04d}", **members) for n in range(first, first + count)]


LARGE = MAX_STEP_TEXTS + 1
