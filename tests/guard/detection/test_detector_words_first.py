"""What a conversation says in words is known before its meaning is."""

from __future__ import annotations

import codecs
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from guard.detection.deadline import Deadline, DetectionTimeout
from guard.detection.detector import Detector
from guard.detection.embedder import Vectors
from guard.policy.policy import Policy
from guard.targets.target import Draft
from guard.text.conversation import Message

WAIT_S = 30
VENN = Draft(name="Orla Quennell")


class HeldEmbedder:
    """Embeds nothing before `go` is set."""

    def __init__(self, embedder: Any) -> None:
        self._embedder = embedder
        self.name: str = embedder.name
        self.dimension: int = embedder.dimension
        self.go = threading.Event()
        self.failing = False

    def embed(self, texts: Sequence[str]) -> Vectors:
        assert self.go.wait(WAIT_S)
        if self.failing:
            raise RuntimeError("the encoder failed")
        vectors: Vectors = self._embedder.embed(texts)
        return vectors


@pytest.fixture
def policy(policy_of: Callable[..., Policy]) -> Policy:
    return policy_of(VENN)


def user(text: str) -> list[Message]:
    return [Message("user", text)]


def test_that_words_say_nothing_is_known_before_anything_is_embedded(policy: Policy, embedder: Any) -> None:
    held = HeldEmbedder(embedder)
    examination = Detector(held).examine(policy.lookup, user("Please bake rye bread"), unnamed=held.go.set)
    assert examination.matches == ()


@pytest.mark.parametrize("text", ["Who is Orla Quennell?", "Who was Quennell then?"])
def test_a_name_in_the_text_as_it_stands_says_something(policy: Policy, embedder: Any, text: str) -> None:
    called: list[bool] = []
    Detector(embedder).examine(policy.lookup, user(text), unnamed=lambda: called.append(True))
    assert called == []


def test_a_disguised_name_is_found_although_the_text_as_it_stands_says_nothing(
    policy: Policy, embedder: Any
) -> None:
    held = HeldEmbedder(embedder)
    text = codecs.encode("Who is Orla Quennell?", "rot13")
    (match,) = Detector(held).examine(policy.lookup, user(text), unnamed=held.go.set).matches
    assert match.signals.name == 1.0


def test_a_failure_of_the_encoder_is_raised_and_the_deadline_is_kept(policy: Policy, embedder: Any) -> None:
    held = HeldEmbedder(embedder)
    held.go.set()
    with pytest.raises(DetectionTimeout):
        Detector(held).examine(policy.lookup, user("bread"), Deadline(0.0))
    held.failing = True
    with pytest.raises(RuntimeError, match="the encoder failed"):
        Detector(held).examine(policy.lookup, user("bread"))
