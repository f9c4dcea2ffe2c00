from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from guard.errors import BadSettings
from guard.uld.assistant_runner import Follower, Text
from guard.uld.slot_cache import SlotCache
from guard.uld.truncated_model import Trunk

LONGEST = 96


@pytest.fixture(scope="module")
def trunk(model: Path) -> Trunk:
    return Trunk(model, 2, torch.float32, "cpu")


@pytest.fixture(scope="module")
def assistants(trunk: Trunk) -> list[dict[str, torch.nn.Parameter]]:
    torch.manual_seed(5)
    made = [trunk.low_rank(4), trunk.low_rank(4), trunk.whole()]
    for changes in made:
        for parameter in changes.values():
            parameter.requires_grad_(False).normal_(std=0.3)
    return made


def budget(trunk: Trunk, slots: int) -> int:
    return slots * LONGEST * SlotCache.bytes_per_token(trunk.config, trunk.dtype)


def expected(trunk: Trunk, text: Text) -> torch.Tensor:
    """The whole text at once, without a cache."""
    trunk.wear(text.changes)
    tokens = [token for token in (*text.prompt, *text.output) if token >= 0]
    with torch.inference_mode():
        return trunk.logits(trunk.hidden(torch.tensor([tokens]), use_cache=False))[0, -1]


def text(changes: dict[str, torch.nn.Parameter], draw: random.Random, length: int) -> Text:
    return Text([draw.randrange(200) for _ in range(length)], [], changes)


@pytest.mark.parametrize("slots", [1, 3, 40])
def test_whatever_joins_leaves_and_returns_the_logits_are_those_of_the_whole_text(
    trunk: Trunk, assistants: list[dict[str, torch.nn.Parameter]], slots: int
) -> None:
    draw = random.Random(slots)
    follower = Follower(trunk, LONGEST, budget(trunk, slots))
    texts = [text(assistants[i % 3], draw, draw.randrange(1, 40)) for i in range(7)]
    for _ in range(12):
        batch = draw.sample(texts, draw.randrange(1, 7))
        scores = follower.logits(batch)
        for row, one in enumerate(batch):
            torch.testing.assert_close(scores[row], expected(trunk, one), atol=2e-4, rtol=0)
            # Now and then a step's token is thrown away, as with a prompt that is only partly filled.
            if draw.random() < 0.8:
                one.output.append(draw.randrange(200))  # type: ignore[attr-defined]
    assert follower.bytes <= budget(trunk, slots)


def test_a_prompt_longer_than_a_chunk_is_read_in_parts(
    trunk: Trunk, assistants: list[dict[str, torch.nn.Parameter]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("guard.uld.assistant_runner._CHUNK", 16)
    one = text(assistants[0], random.Random(1), 75)
    scores = Follower(trunk, LONGEST, budget(trunk, 1)).logits([one])
    torch.testing.assert_close(scores[0], expected(trunk, one), atol=2e-4, rtol=0)


def test_placeholders_at_the_end_of_an_output_are_not_read(
    trunk: Trunk, assistants: list[dict[str, torch.nn.Parameter]]
) -> None:
    one = Text([1, 5, 9], [7, 8, -1, -1], assistants[0])
    scores = Follower(trunk, LONGEST, budget(trunk, 1)).logits([one])
    torch.testing.assert_close(scores[0], expected(trunk, one), atol=2e-4, rtol=0)


def test_the_cache_grows_with_use_and_not_at_the_start(
    trunk: Trunk, assistants: list[dict[str, torch.nn.Parameter]]
) -> None:
    follower = Follower(trunk, LONGEST, budget(trunk, 100))
    assert follower.bytes == 0
    follower.logits([Text([1, 2, 3], [], assistants[0])])
    assert 0 < follower.bytes <= budget(trunk, 1)


@pytest.mark.parametrize("length", [0, LONGEST + 1])
def test_a_text_that_cannot_be_read_is_refused(
    trunk: Trunk, assistants: list[dict[str, torch.nn.Parameter]], length: int
) -> None:
    with pytest.raises(ValueError, match="a text must"):
        Follower(trunk, LONGEST, budget(trunk, 2)).logits([Text([1] * length, [], assistants[0])])


def test_a_budget_below_one_text_is_a_bad_setting(trunk: Trunk) -> None:
    with pytest.raises(BadSettings):
        Follower(trunk, LONGEST, budget(trunk, 1) - 1)
