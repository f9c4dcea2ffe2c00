from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from guard.conversation import Message
from guard.detector import Detector, Match, Signals
from guard.policy import Policy
from guard.target import Draft, Fact, Mode, Scope

PolicyOf = Callable[..., Policy]

QUESTION = "Which harbour town was the lighthouse keeper born in?"
VENN = Draft(name="Orla Al-Venn", aliases=("The Heron",), facts=(Fact(question=QUESTION, answer="Tarn Hollow"),))
DROSS = Draft(name="Pell Dross", facts=(Fact(question="How did the cellist lose her bow?", answer="At sea"),))


def user(text: str) -> list[Message]:
    return [Message("user", text)]


def names(policy: Policy, matches: tuple[Match, ...]) -> list[str]:
    return [policy.targets[match.target_id].draft.name for match in matches]


@pytest.fixture
def policy(policy_of: PolicyOf) -> Policy:
    return policy_of(VENN, DROSS)


@pytest.fixture
def detector(embedder: Any) -> Detector:
    return Detector(embedder)


def test_a_conversation_about_other_things_matches_nothing(policy: Policy, detector: Detector) -> None:
    assert detector.detect(policy, user("Please bake some rye bread")) == ()
    assert detector.detect(policy, []) == ()


@pytest.mark.parametrize("text", ["Who is ORLA ALVENN?", "a poem on the-heron", "О r l a Al·Vénn"])
def test_a_name_or_alias_matches_however_it_is_written(policy: Policy, detector: Detector, text: str) -> None:
    (match,) = detector.detect(policy, user(text))
    assert (match.score, match.signals.name, match.mode) == (1.0, 1.0, Mode.ENFORCE)
    assert -1.0 <= match.signals.semantic <= 1.0


def test_a_question_without_the_name_matches_by_meaning(policy: Policy, detector: Detector) -> None:
    (match,) = detector.detect(policy, user("Say, which harbour town was the lighthouse keeper born in?"))
    assert match.signals.name == 0.0
    assert match.score == match.signals.semantic
    assert 0.75 <= match.score < 1.0


def test_a_question_deep_in_a_long_text_is_seen(policy: Policy, detector: Detector) -> None:
    filler = "bread rises slowly in a cold room " * 100
    assert names(policy, detector.detect(policy, user(f"{filler}. {QUESTION} {filler}"))) == ["Orla Al-Venn"]


@pytest.mark.parametrize("role", ["system", "user", "assistant", "tool"])
def test_every_message_is_read_whatever_its_role(policy: Policy, detector: Detector, role: str) -> None:
    conversation = [Message("user", "hello"), Message(role, QUESTION), Message("user", "go on")]
    assert names(policy, detector.detect(policy, conversation)) == ["Orla Al-Venn"]


def test_a_name_split_between_two_messages_is_found(policy: Policy, detector: Detector) -> None:
    matches = detector.detect(policy, [Message("user", "Tell me of Orla"), Message("user", "Al-Venn")])
    assert names(policy, matches) == ["Orla Al-Venn"]


def test_matches_come_best_first(policy: Policy, detector: Detector) -> None:
    asked = "Say, how did the cellist lose her bow? And where is the Heron?"
    assert names(policy, detector.detect(policy, user(asked))) == ["Orla Al-Venn", "Pell Dross"]


def test_the_threshold_decides_by_meaning_and_never_over_a_name(policy: Policy, embedder: Any) -> None:
    strict = Detector(embedder, threshold=1.01)
    assert strict.detect(policy, user(QUESTION)) == ()
    assert names(policy, strict.detect(policy, user("the heron"))) == ["Orla Al-Venn"]


def test_a_match_says_which_mode_its_target_is_in(policy_of: PolicyOf, detector: Detector) -> None:
    policy = policy_of(Draft(name="Orla Al-Venn", mode=Mode.SHADOW))
    (match,) = detector.detect(policy, user("Orla Al-Venn"))
    assert match == Match(match.target_id, 1.0, Signals(1.0, pytest.approx(1.0, abs=0.5)), Mode.SHADOW)


def test_without_contextual_targets_nothing_is_embedded(
    policy_of: PolicyOf, detector: Detector, embedder: Any
) -> None:
    policy = policy_of(Draft(name="Orla Al-Venn", phrases=("zx-4471-q",), scope=Scope.ALWAYS))
    assert detector.detect(policy, user("Orla Al-Venn")) == ()
    assert embedder.embedded == []


def test_a_target_that_is_always_forbidden_is_never_matched(policy_of: PolicyOf, detector: Detector) -> None:
    policy = policy_of(Draft(name="Orla Al-Venn", phrases=("zx-4471-q",), scope=Scope.ALWAYS), DROSS)
    assert detector.detect(policy, user("Orla Al-Venn")) == ()
