from __future__ import annotations

import os
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from vllm import SamplingParams

from guard.decoding.request_args import EngineArgs
from guard.decoding.restriction import Restriction
from guard.decoding.vocabulary import Vocabulary
from guard.errors import PolicyUnavailable
from guard.matching.automaton import Automaton
from guard.matching.live_automata import FILE_NAME, publish
from guard.vllm_v1 import base as v1_base
from guard.vllm_v1.restriction import RestrictionProcessor as V1Processor
from guard.vllm_v2 import RestrictionProcessor
from tests.guard.vllm_v2.conftest import Config
from tests.guard.vllm_v2.generated import generated
from tests.guard.vllm_v2.replay import Request, Runner, kernels
from tests.guard.vllm_v2.schedules import EOS, TOKENIZER, WIDTH, alone, arriving, play, tempted_by, v1_config

SCHEDULES = int(os.environ.get("SCHEDULES", "12"))
"""Random schedules of each number of drafts; `make schedules` plays 2,000."""
BASIL = Automaton.compile(["Basil Romerto", "sil"])
ROMERTO = Automaton.compile(["Romerto", "er", "日本"])
AUTOMATA = (BASIL, ROMERTO)
ARGUMENTS = (
    EngineArgs("7", (BASIL.digest,)).dump(),
    EngineArgs("7", (BASIL.digest, ROMERTO.digest)).dump(),
    EngineArgs("7").dump(),
    EngineArgs("7", closed=True).dump(),
    EngineArgs("7", unrestricted=True).dump(),
    {"lethe_policy": "7", "lethe_automata": "0" * 64},
    {"lethe_policy": "7", "lethe_automata": BASIL.digest, "lethe_rewind": 1, "lethe_avoided": "40,41"},
    {},
)
GENERATED = ((BASIL,), (BASIL, ROMERTO), (), None, (), None, None, None)
"""The automata of each of ARGUMENTS; None for what transformers' `generate` has not: closed rows, backtracking."""
CLOSED = (3, 5, 7)
"""Which of ARGUMENTS leave a request nothing but its end."""


@pytest.fixture(scope="module")
def restricting(config: Config) -> Config:
    for automaton in AUTOMATA:
        automaton.save(config(0).folder)
    return config


arrival = partial(arriving, ARGUMENTS)


def runner(config: SimpleNamespace, **options: Any) -> Runner:
    return Runner(lambda *given: [RestrictionProcessor(*given)], config, WIDTH, **options)


def request(id: str, text: str, script: str, args: dict[str, object], **params: Any) -> Request:
    prompt, wanted = (TOKENIZER.encode(one, add_special_tokens=False) for one in (text, script))
    given = SamplingParams(temperature=0.0, extra_args=args, **params)
    return Request(id, prompt, given, tempted_by(wanted, 1, len(prompt)))


def leaks(one: Request) -> list[int]:
    """The places of output tokens that complete a phrase which the request's automata forbid."""
    named = str((one.params.extra_args or {}).get("lethe_automata", ""))
    found = []
    for automaton in AUTOMATA:
        if automaton.digest in named:
            restriction = Restriction(automaton, VOCABULARY)
            cursor = restriction.seed(one.prompt)
            for place, token in enumerate(one.output):
                if token in restriction.forbidden(cursor).tolist():
                    found.append(place)
                cursor = restriction.advance(cursor, [token])
    return found


VOCABULARY = Vocabulary.from_tokenizer(TOKENIZER)


def v1(config: SimpleNamespace) -> list[V1Processor]:
    return [V1Processor(*v1_config(config))]


def kind(one: Request) -> int:
    return ARGUMENTS.index(one.params.extra_args or {})


def compare_with_generate(requests: list[Request]) -> None:
    """The third way: transformers gives the requests the same tokens from the same masked logits."""
    known = [(one, GENERATED[kind(one)]) for one in requests if one.output]
    restricted = [(one, automata) for one, automata in known if automata is not None]
    if not restricted:
        return
    again = generated([one for one, _ in restricted], [list(named) for _, named in restricted], VOCABULARY, EOS)
    for (one, _), reference in zip(restricted, again, strict=True):
        assert one.output == reference.tokens
        assert all(map(torch.equal, one.rows, reference.rows))


@pytest.mark.parametrize("drafts", range(6))
def test_in_any_schedule_each_token_comes_from_the_logits_that_v1_and_transformers_give_the_request_alone(
    restricting: Config, drafts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(v1_base, "cached_tokenizer_from_config", lambda config: TOKENIZER)
    given = restricting(drafts)
    seen = np.zeros(5, int)
    for seed in range(-(-SCHEDULES // 6)):
        played = play(runner(given), arrival, 1000 * drafts + seed)
        for one in played.requests:
            expected = alone(lambda: v1(given), one)
            assert len(one.rows) == len(one.output)
            assert all(map(torch.equal, one.rows, expected))
            assert one.output == [int(row.argmax()) for row in expected]
            assert leaks(one) == []
            assert kind(one) not in CLOSED or all(map(only_ends, one.rows))
            seen[0] += sum(int(row.argmax()) != token for row, token in zip(one.offered, one.output, strict=True))
        seen[1:] += played.accepted, played.refused, played.preempted, played.reused
        compare_with_generate(played.requests)
    assert all(seen[[0, 3, 4]])
    assert drafts == 0 or all(seen)


@pytest.mark.parametrize("drafts", [0, 3])
def test_the_runner_of_these_tests_does_what_vllms_kernels_do(restricting: Config, drafts: int) -> None:
    """Two short schedules by Triton's interpreter: the same rows of logits, tokens and positions."""
    plain = runner(restricting(drafts))
    played = play(plain, arrival, drafts, steps=13)
    assert played.requests
    with kernels(interpreted=True):
        real = runner(restricting(drafts), interpreted=True)
        again = play(real, arrival, drafts, steps=13)
    assert [one.output for one in again.requests] == [one.output for one in played.requests]
    assert len(real.layouts) == len(plain.layouts)
    for ours, theirs in zip(plain.layouts, real.layouts, strict=True):
        for field in ("row_slots", "local", "input_ids", "positions"):
            assert torch.equal(getattr(ours, field), getattr(theirs, field)), field


@pytest.mark.parametrize(
    ("args", "asks"),
    [
        (EngineArgs("7", (BASIL.digest,)).dump(), True),
        (EngineArgs("7").dump(), True),
        (EngineArgs("7", closed=True).dump(), True),
        (EngineArgs("7", unrestricted=True).dump(), False),
        ({}, True),
    ],
    ids=["restricted", "only by what is published later", "closed", "unrestricted", "without arguments"],
)
def test_a_request_that_nothing_can_restrict_is_skipped(
    restricting: Config, args: dict[str, object], asks: bool
) -> None:
    (processor,) = runner(restricting()).processors
    assert processor.add_request(0, SamplingParams(extra_args=args)) is asks


def test_a_step_that_restricts_nobody_reads_nothing_from_the_device(
    restricting: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = runner(restricting())
    monkeypatch.setattr(given.processors[0]._histories, "read", None)
    given.step([request("a", "ba", " Basil", EngineArgs("7").dump())])
    one = given.requests["a"]
    assert torch.equal(one.rows[0], one.offered[0])


def test_what_is_published_later_holds_for_running_requests(restricting: Config) -> None:
    given = runner(restricting())
    given.step([request("a", "x", " met Romerto", EngineArgs("7").dump())])
    publish(restricting().folder, [ROMERTO.digest])
    try:
        for _ in range(8):
            given.step()
    finally:
        (restricting().folder / FILE_NAME).unlink()
    text = TOKENIZER.decode(given.requests["a"].output)
    assert text.startswith(" met")
    assert not ROMERTO.matches(text)


def only_ends(row: torch.Tensor) -> bool:
    return row.isfinite().nonzero().flatten().tolist() == [EOS]


def test_a_draft_that_is_no_token_closes_the_rows_after_it_alone(restricting: Config) -> None:
    given = runner(restricting(3))
    one = request("a", "ba", " Basil Romerto", EngineArgs("7", (BASIL.digest,)).dump())
    given.step([one])
    seen: list[torch.Tensor] = []
    (processor,) = given.processors
    apply = processor.apply

    def recorded(logits: torch.Tensor, ctx: Any) -> torch.Tensor:
        seen.append(apply(logits, ctx).clone())
        return logits

    processor.apply = recorded
    given.step(drafts={"a": [5, -1, 6]})
    (rows,) = seen
    assert [only_ends(row) for row in rows] == [False, False, True, True]
    given.step(drafts={"a": [5, WIDTH + 9, 6]})
    assert [only_ends(row) for row in seen[1]] == [False, False, True, True]
    given.step()
    assert not only_ends(one.rows[-1])


def test_a_layout_that_is_not_understood_closes_every_row(
    restricting: Config, caplog: pytest.LogCaptureFixture
) -> None:
    given = runner(restricting(2))
    given.step([request("a", "ba", "x", EngineArgs("7", (BASIL.digest,)).dump())])
    (processor,) = given.processors
    slot = given.states.req_id_to_index["a"]
    ctx = SimpleNamespace(
        idx_mapping_np=np.array([slot]),
        expanded_idx_mapping=torch.tensor([slot, slot]),
        expanded_local_pos=torch.tensor([0, 2]),
        pos=torch.tensor([1, 3]),
        input_ids=torch.tensor([4, 4]),
    )
    rows = processor.apply(torch.zeros(2, WIDTH), ctx)
    assert [only_ends(row) for row in rows] == [True, True]
    assert caplog.messages == ["closed all rows for a step: ValueError"]


def test_a_slot_does_not_inherit_what_its_last_request_asked(restricting: Config) -> None:
    given = runner(restricting(), max_requests=1)
    for args in (EngineArgs("7", closed=True).dump(), EngineArgs("7", unrestricted=True).dump(), {}):
        given.step([request("a", "ba", " Basil", args)])
        one = given.requests["a"]
        assert only_ends(one.rows[0]) is ("unrestricted" not in args.values())
        given.step(removed=["a"], scheduled={})


def test_where_special_tokens_are_printed_their_text_counts(restricting: Config) -> None:
    given = runner(restricting())
    automaton = Automaton.compile(["user ba"])
    automaton.save(restricting().folder)
    args = EngineArgs("7", (automaton.digest,)).dump()
    requests = [request(f"{skip}", "x", "<|user|> ba", args, skip_special_tokens=skip) for skip in (True, False)]
    given.step(requests)
    for _ in range(3):
        given.step()
    texts = [TOKENIZER.decode(one.output) for one in requests]
    assert [text.startswith("<|user|> ba") for text in texts] == [True, False]


@pytest.mark.parametrize("kind", ["enable_prompt_embeds", "is_diffusion"])
def test_an_engine_whose_tokens_it_cannot_follow_does_not_start(restricting: Config, kind: str) -> None:
    given = restricting()
    setattr(given.model_config, kind, True)
    with pytest.raises(PolicyUnavailable, match="cannot be"):
        runner(given)


def test_without_a_folder_of_automata_the_engine_does_not_start(
    restricting: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LETHE_POLICY_DIR")
    with pytest.raises(PolicyUnavailable):
        runner(restricting())


@pytest.mark.parametrize("args", [{}, {"lethe_policy": 7}, {"lethe_policy": "7", "lethe_automata": "sil"}])
def test_a_request_without_well_formed_arguments_is_refused(args: dict[str, object]) -> None:
    RestrictionProcessor.validate_params(SamplingParams(extra_args=EngineArgs("7").dump()))
    with pytest.raises(ValueError, match="must be"):
        RestrictionProcessor.validate_params(SamplingParams(extra_args=args))
