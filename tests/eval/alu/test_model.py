from __future__ import annotations

from dataclasses import replace

import pytest

from agents.ledger import Role
from agents.prompts.prompt import RolePrompt, load_prompt
from eval.alu import dialogues
from eval.alu.model import ROLES, held_out, recipe_digest
from eval.alu.people import Person, people


@pytest.mark.parametrize("role", ROLES)
def test_held_out_dialogues_are_always_the_same(role: Role) -> None:
    assert list(held_out(role)) == list(held_out(role))


def _another_prompt(name: str) -> RolePrompt:
    return replace(load_prompt(name), system=f"{load_prompt(name).system} Be brief.")


def _another_answer() -> tuple[Person, ...]:
    first, *rest = people()
    return (
        replace(first, questions=(replace(first.questions[0], answer="Nobody knows."), *first.questions[1:])),
        *rest,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("load_prompt", _another_prompt), ("people", _another_answer), ("DIALOGUES_PER_ROUND", {Role.CHECK: 70})],
)
def test_other_dialogues_give_another_cache_key(monkeypatch: pytest.MonkeyPatch, name: str, value: object) -> None:
    before = recipe_digest()
    assert recipe_digest() == before
    monkeypatch.setattr(dialogues, name, value)
    assert recipe_digest() != before
