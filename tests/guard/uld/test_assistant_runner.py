from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from guard.errors import BadSettings
from guard.uld.assistant_runner import AssistantRunner, RunningSequence
from guard.uld.slot_cache import SlotCache
from guard.uld.truncated_model import TruncatedModel

LONGEST = 96


@pytest.fixture(scope="module")
def truncated_model(model: Path) -> TruncatedModel:
    return TruncatedModel(model, 2, torch.float32, "cpu")


@pytest.fixture(scope="module")
def assistants(truncated_model: TruncatedModel) -> list[dict[str, torch.nn.Parameter]]:
    torch.manual_seed(5)
    made = [truncated_model.lora_adapter(4), truncated_model.lora_adapter(4), truncated_model.full_adapter()]
    for adapter in made:
        for parameter in adapter.values():
            parameter.requires_grad_(False).normal_(std=0.3)
    return made


def budget(truncated_model: TruncatedModel, slots: int) -> int:
    return slots * LONGEST * SlotCache.bytes_per_token(truncated_model.config, truncated_model.dtype)


def expected(truncated_model: TruncatedModel, text: RunningSequence) -> torch.Tensor:
    """The whole text at once, without a cache."""
    truncated_model.activate(text.adapter)
    tokens = [token for token in (*text.prompt, *text.output) if token >= 0]
    with torch.inference_mode():
        return truncated_model.logits(truncated_model.hidden(torch.tensor([tokens]), use_cache=False))[0, -1]


def text(adapter: dict[str, torch.nn.Parameter], draw: random.Random, length: int) -> RunningSequence:
    return RunningSequence([draw.randrange(200) for _ in range(length)], [], adapter)


@pytest.mark.parametrize("slots", [1, 3, 40])
def test_whatever_joins_leaves_and_returns_the_logits_are_those_of_the_whole_text(
    truncated_model: TruncatedModel, assistants: list[dict[str, torch.nn.Parameter]], slots: int
) -> None:
    draw = random.Random(slots)
    runner = AssistantRunner(truncated_model, LONGEST, budget(truncated_model, slots))
    sequences = [text(assistants[i % 3], draw, draw.randrange(1, 40)) for i in range(7)]
    for _ in range(12):
        batch = draw.sample(sequences, draw.randrange(1, 7))
        scores = runner.logits(batch)
        for row, one in enumerate(batch):
            torch.testing.assert_close(scores[row], expected(truncated_model, one), atol=2e-4, rtol=0)
            # Now and then a step's token is thrown away, as with a prompt that is only partly filled.
            if draw.random() < 0.8:
                one.output.append(draw.randrange(200))  # type: ignore[attr-defined]
    assert runner.bytes <= budget(truncated_model, slots)


def read_tokens(truncated_model: TruncatedModel, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by the number of tokens of each forward pass."""
    read: list[int] = []
    forward = truncated_model.hidden

    def hidden(tokens: torch.Tensor, **given: object) -> torch.Tensor:
        read.append(tokens.numel())
        return forward(tokens, **given)

    monkeypatch.setattr(truncated_model, "hidden", hidden)
    return read


def test_short_texts_are_read_once_where_one_long_text_would_fit(
    truncated_model: TruncatedModel,
    assistants: list[dict[str, torch.nn.Parameter]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    longest, draw = 960, random.Random(3)
    limit = budget(truncated_model, longest // LONGEST)
    runner = AssistantRunner(truncated_model, longest, limit)
    texts = [text(assistants[0], draw, 20) for _ in range(12)]
    long = text(assistants[0], draw, 500)
    read = read_tokens(truncated_model, monkeypatch)

    def step(batch: list[RunningSequence]) -> int:
        del read[:]
        scores = runner.logits(batch)
        total = sum(read)
        for row, one in enumerate(batch):
            torch.testing.assert_close(scores[row], expected(truncated_model, one), atol=2e-4, rtol=0)
            one.output.append(draw.randrange(200))  # type: ignore[attr-defined]
        assert runner.bytes <= limit
        return total

    assert [step(texts) for _ in range(3)] == [240, 12, 12]
    # Beside the long text only some of the others have room.
    assert step([long, *texts]) > 500
    step(texts)
    assert step(texts) == 12


def test_a_prompt_longer_than_a_chunk_is_read_in_parts(
    truncated_model: TruncatedModel,
    assistants: list[dict[str, torch.nn.Parameter]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("guard.uld.assistant_runner._PREFILL_CHUNK_TOKENS", 16)
    one = text(assistants[0], random.Random(1), 75)
    scores = AssistantRunner(truncated_model, LONGEST, budget(truncated_model, 1)).logits([one])
    torch.testing.assert_close(scores[0], expected(truncated_model, one), atol=2e-4, rtol=0)


def test_placeholders_at_the_end_of_an_output_are_not_read(
    truncated_model: TruncatedModel, assistants: list[dict[str, torch.nn.Parameter]]
) -> None:
    one = RunningSequence([1, 5, 9], [7, 8, -1, -1], assistants[0])
    scores = AssistantRunner(truncated_model, LONGEST, budget(truncated_model, 1)).logits([one])
    torch.testing.assert_close(scores[0], expected(truncated_model, one), atol=2e-4, rtol=0)


def test_the_cache_grows_with_use_and_not_at_the_start(
    truncated_model: TruncatedModel, assistants: list[dict[str, torch.nn.Parameter]]
) -> None:
    runner = AssistantRunner(truncated_model, LONGEST, budget(truncated_model, 100))
    assert runner.bytes == 0
    runner.logits([RunningSequence([1, 2, 3], [], assistants[0])])
    assert 0 < runner.bytes <= budget(truncated_model, 1)


@pytest.mark.parametrize("length", [0, LONGEST + 1])
def test_an_empty_or_too_long_sequence_is_refused(
    truncated_model: TruncatedModel, assistants: list[dict[str, torch.nn.Parameter]], length: int
) -> None:
    with pytest.raises(ValueError, match="a sequence must"):
        AssistantRunner(truncated_model, LONGEST, budget(truncated_model, 2)).logits(
            [RunningSequence([1] * length, [], assistants[0])]
        )


def test_a_budget_below_one_text_is_a_bad_setting(truncated_model: TruncatedModel) -> None:
    with pytest.raises(BadSettings):
        AssistantRunner(truncated_model, LONGEST, budget(truncated_model, 1) - 1)
