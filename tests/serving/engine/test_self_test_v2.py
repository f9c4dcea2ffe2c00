"""The self-test on the V2 restriction processor, and on five ways of being wrong about rows and what was said."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("vllm", reason="the engine is not installed")

from guard.decoding.rows import LogitsRow
from guard.vllm_v2.restriction import RestrictionProcessor
from serving.engine.self_test import Leak, self_test
from tests.guard.vllm_v2.conftest import Config, config
from tests.serving.engine.replayed_engine import ReplayedEngine

__all__ = ["config"]


class StaleAfterPreemption(RestrictionProcessor):
    """Leaves the slot of a request that is back from preemption as it is."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.begun: list[Any] = []

    def add_request(self, req_idx: int, sampling_params: Any) -> bool:
        if any(sampling_params is one for one in self.begun):
            return True
        self.begun.append(sampling_params)
        return super().add_request(req_idx, sampling_params)


class DraftsOffByOne(RestrictionProcessor):
    """Masks the row after a draft as if that draft had not been said."""

    def _logits_rows(self, ctx: Any, slots: Sequence[int]) -> list[LogitsRow]:
        return [LogitsRow(row.request, row.drafts[:-1]) for row in super()._logits_rows(ctx, slots)]


class SkippedRow(RestrictionProcessor):
    """Forgets the last row of a batch."""

    def _logits_rows(self, ctx: Any, slots: Sequence[int]) -> list[LogitsRow]:
        return list(super()._logits_rows(ctx, slots))[:-1]


class WrongSlot(RestrictionProcessor):
    """Takes the place in the batch for the slot."""

    def _logits_rows(self, ctx: Any, slots: Sequence[int]) -> list[LogitsRow]:
        places = {slot: place for place, slot in enumerate(ctx.idx_mapping_np.tolist())}
        return [LogitsRow(places[row.request], row.drafts) for row in super()._logits_rows(ctx, slots)]


class LateWrite(RestrictionProcessor):
    """Knows of the newest token one step late."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        extend = self._histories._extend
        self._histories._extend = lambda slot, length, committed: extend(slot, length - 1, committed[1:])


class OneRank(RestrictionProcessor):
    """Is missing on one of `RANKS` tensor-parallel ranks, which has slots of its own in batch-sharded sampling."""

    RANKS, MISSING = 2, 0

    def _logits_rows(self, ctx: Any, slots: Sequence[int]) -> list[LogitsRow]:
        masked = {slot for slot in slots if slot % self.RANKS != self.MISSING}
        nobody = LogitsRow(-1)
        return [row if row.request in masked else nobody for row in super()._logits_rows(ctx, slots)]


MUTATIONS = (StaleAfterPreemption, DraftsOffByOne, SkippedRow, WrongSlot, LateWrite)


async def proven(
    config: Config, processor: type[RestrictionProcessor], drafts: int, *, preempts: bool = True
) -> ReplayedEngine:
    given: SimpleNamespace = config(drafts)
    engine = ReplayedEngine(given, processor)
    await self_test(engine, given.folder, engine.preempt if preempts else None, batches=True)
    return engine


@pytest.mark.anyio
@pytest.mark.parametrize("drafts", [0, 3])
async def test_the_processor_passes_with_and_without_drafts(config: Config, drafts: int) -> None:
    engine = await proven(config, RestrictionProcessor, drafts)
    assert engine.preempted
    used = {slot for layout in engine.runner.layouts for slot in layout.slots.tolist()}
    assert len(used) == 8


@pytest.mark.anyio
@pytest.mark.parametrize("drafts", [0, 3])
@pytest.mark.parametrize("mutation", MUTATIONS)
async def test_a_processor_that_is_wrong_about_a_row_does_not_pass(
    config: Config, mutation: type[RestrictionProcessor], drafts: int
) -> None:
    if mutation is DraftsOffByOne and not drafts:
        await proven(config, mutation, drafts)
        return
    with pytest.raises(Leak):
        await proven(config, mutation, drafts)


@pytest.mark.anyio
@pytest.mark.parametrize("drafts", [0, 3])
@pytest.mark.parametrize(("ranks", "missing"), [(2, 0), (2, 1), (4, 2), (8, 0), (8, 7)])
async def test_a_processor_that_is_missing_on_one_rank_does_not_pass(
    config: Config, ranks: int, missing: int, drafts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OneRank, "RANKS", ranks)
    monkeypatch.setattr(OneRank, "MISSING", missing)
    with pytest.raises(Leak):
        await proven(config, OneRank, drafts, preempts=False)


@pytest.mark.anyio
@pytest.mark.parametrize("drafts", [0, 3])
async def test_of_an_engine_elsewhere_nothing_is_preempted(config: Config, drafts: int) -> None:
    engine = await proven(config, RestrictionProcessor, drafts, preempts=False)
    assert not engine.preempted


@pytest.mark.anyio
@pytest.mark.parametrize("drafts", [0, 3])
@pytest.mark.parametrize("mutation", [one for one in MUTATIONS if one is not StaleAfterPreemption])
async def test_all_else_that_is_wrong_about_a_row_is_found_there_too(
    config: Config, mutation: type[RestrictionProcessor], drafts: int
) -> None:
    if mutation is DraftsOffByOne and not drafts:
        return
    with pytest.raises(Leak):
        await proven(config, mutation, drafts, preempts=False)
