from __future__ import annotations

import pytest

from eval.attacks.catalogue import DIRECT, STREAM, TEXT_ATTACKS
from eval.attacks.probe import AttackProbe
from tests.eval.attacks.probes import PROBE


@pytest.mark.parametrize("name", TEXT_ATTACKS)
def test_every_attack_makes_distinct_requests_and_makes_them_again(name: str) -> None:
    prompts = [attempt.prompt for attempt in TEXT_ATTACKS[name](PROBE)]
    assert prompts
    assert len(set(prompts)) == len(prompts)
    assert prompts == [attempt.prompt for attempt in TEXT_ATTACKS[name](PROBE)]


@pytest.mark.parametrize("name", [name for name in TEXT_ATTACKS if name not in (DIRECT, STREAM)])
def test_every_attack_but_the_direct_question_changes_the_request(name: str) -> None:
    plain = TEXT_ATTACKS[DIRECT](PROBE)
    assert all(attempt not in plain for attempt in TEXT_ATTACKS[name](PROBE))


@pytest.mark.parametrize("name", TEXT_ATTACKS)
def test_a_probe_without_background_can_be_attacked(name: str) -> None:
    bare = AttackProbe(subject="Orla", question="Who?", answer="Orla.")
    assert all(attempt.prompt.text.strip() for attempt in TEXT_ATTACKS[name](bare))
