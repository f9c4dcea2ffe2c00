"""README's "Sixty seconds" is what the product does: what is forgotten leaves the answers, and returns.

At temperature 0 a real model's first words are near ties that the state of the engine's prefix cache can turn, so
answers are held to what they tell and to being English, and everything else that is printed to the letter.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guard.matching.automaton import Automaton
from guard.text.english import is_common
from guard.text.words import words_of
from tests.e2e.real_model.tour import ROOT, TARGET_ID, model, run, steps
from tests.e2e.server import Server, serving

pytestmark = pytest.mark.e2e

WORK = ROOT / "serving" / "demo" / "works" / "the-lord-of-the-rings.json"


def forbidden_by(server: Server) -> Automaton:
    """The phrases that the tour's target forbids."""
    target = json.loads(WORK.read_text(encoding="utf-8"))
    answer = server.admin.post("/admin/v1/targets", json=target, params={"dry_run": "true", "reveal": "true"})
    return Automaton.forbidding(answer.json()["forbidden"])


def is_fluent(answer: str) -> bool:
    words = [word.text for word in words_of(answer)]
    return len(words) >= 5 and sum(map(is_common, words)) >= 0.6 * len(words)


def test_the_tour_tells_and_does_not_tell_what_the_readme_shows(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = steps(readme)
    with serving(tmp_path, "--model", model(readme)) as server:
        forbidden = forbidden_by(server)
        told = []
        for wanted, had in zip(shown, run(shown, server, ROOT), strict=True):
            if wanted.command.startswith("ask "):
                tells = any(forbidden.matches(had.output))
                assert tells == any(forbidden.matches(wanted.output)), had
                assert is_fluent(had.output), had
                told.append(tells)
            else:
                assert TARGET_ID.sub("ft_", had.output) == TARGET_ID.sub("ft_", wanted.output), wanted.command
    # By name and without it; both forgotten; what the request says itself; the fact again.
    assert told == [True, True, False, False, True, True]
