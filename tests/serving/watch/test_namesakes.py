"""The watch and namesakes: an answer that names somebody else by a target's name goes on."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from guard.detection.detector import Detector
from guard.policy.compiler import Compiler
from guard.policy.plan import PlanKind, plan_for
from guard.policy.policy import Policy
from guard.registry.registry import Registry
from guard.targets.target import Draft, Fact
from guard.text.conversation import Message
from serving.planner import PlannedRequest, Planner, said_targets
from serving.planning.near_texts import PlanNearTexts

QUILL = Draft(
    name="Ada Quillwick",
    facts=(Fact(question="What did Ada Quillwick write?", answer="“The Tin Harbour of Sallowmere”."),),
    distinguish=("the rower",),
)


class LetterEmbedder:
    """A text's vector counts its words by their letters: texts that share words are near."""

    name = "letters"
    dimension = 64

    def embed(self, texts: Sequence[str]) -> Any:
        vectors = np.zeros((len(texts), 64), np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text):
                vectors[row, sum(map(ord, word)) % 64] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


class FixedPlanner(Planner):
    """Plans under one policy, without threads."""

    def __init__(self, policy: Policy) -> None:
        self._threads = None  # type: ignore[assignment]
        self._near = PlanNearTexts()
        self._detector = Detector(LetterEmbedder())
        self.policy = policy

    def planned(self, text: str) -> PlannedRequest:
        return self._planned(self.policy, plan_for(self.policy, ()), (Message("user", text),))

    def detected(self, text: str) -> PlannedRequest:
        return self._detect(self.policy, (Message("user", text),), None)  # type: ignore[arg-type]


Plans = Callable[..., FixedPlanner]


@pytest.fixture
def planner(tmp_path: Path) -> FixedPlanner:
    (tmp_path / "policy").mkdir()
    with closing(Registry(tmp_path / "lethe.db")) as registry:
        registry.add_many([QUILL])
        return FixedPlanner(Compiler(registry, LetterEmbedder(), tmp_path / "policy").compile())


def test_an_answer_to_a_question_about_the_namesake_may_say_the_name(planner: FixedPlanner) -> None:
    planned = planner.detected("How old is the rower Ada Quillwick?")
    assert not planned.plan.is_touched
    assert said_targets(planned, ["Ada Quillwick is 31."]) == []
    assert all(not automaton.matches("Ada Quillwick is 31.") for automaton in planned.watched)
    assert said_targets(planned, ["She wrote The Tin Harbour of Sallowmere."]) != []


async def test_a_name_in_an_answer_is_the_namesakes_if_the_question_asked_for_it(planner: FixedPlanner) -> None:
    planned = planner.planned("Name the rower.")
    said = ["Ada Quillwick"]
    assert said_targets(planned, said) != []
    found = await planner.plan_said(planned, said)
    assert found is not None
    assert (found.plan.kind, found.plan.matches) == (PlanKind.RESTRICT, ())
    assert said_targets(found, said) == []
    assert await planner.plan_said(found, said) is None


async def test_a_name_that_the_answer_itself_describes_is_the_namesakes(planner: FixedPlanner) -> None:
    found = await planner.plan_said(planner.planned("Who won?"), ["The rower Ada Quillwick won."])
    assert found is not None
    assert found.plan.matches == ()


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Who won?", "Ada Quillwick"),
        ("I like the rower. Who wrote a novel?", "Ada Quillwick"),
        ("Name the writer, not the rower.", "Ada Quillwick"),
        ("Name the rower.", "Ada Quillwick, who wrote The Tin Harbour of Sallowmere"),
        ("Name the rower.", "The rower Ada Quillwick did. What did Ada Quillwick write? A novel"),
    ],
)
async def test_in_doubt_the_answer_touches_the_target(planner: FixedPlanner, question: str, said: str) -> None:
    found = await planner.plan_said(planner.planned(question), [said])
    assert found is not None
    assert found.plan.is_touched
