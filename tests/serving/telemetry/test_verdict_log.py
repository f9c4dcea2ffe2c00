from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from guard.detection.detector import Match, Signals, TouchedBy
from guard.errors import StoreUnavailable
from guard.patterns.pattern import Pattern, PatternKind
from guard.policy.plan import Plan, PlanKind
from guard.targets.target import Draft, ForgetTarget, Method, Mode, State
from serving.planner import PlannedRequest
from serving.telemetry import verdict_log as verdicts
from serving.telemetry.metrics import Metrics
from serving.telemetry.recorder import Recorder
from serving.telemetry.verdict_log import Verdict, VerdictLog, verdicts_of, would_be

NOW = datetime(2031, 1, 1, tzinfo=UTC)


def target(id: str = "ft_1", forbidden: Sequence[str] = ("Ada Quill",), **draft: Any) -> ForgetTarget:
    return ForgetTarget(
        id=id,
        draft=Draft(name="Ada Quill", **draft),
        state=State.ACTIVE,
        revision=3,
        forbidden=tuple(forbidden),
        created_at=NOW,
        updated_at=NOW,
    )


def match(id: str = "ft_1", mode: Mode = Mode.SHADOW) -> Match:
    return Match(id, 0.9, Signals(0.0, 0.9), mode)


def verdict(number: int = 1, **more: Any) -> Verdict:
    given = Verdict(
        time.time(), f"req-{number}", "ft_1", 3, 0.9, {"semantic": 0.9}, PlanKind.RESTRICT, Mode.SHADOW
    )
    return replace(given, **more)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def kept(tmp_path: Path, metrics: Metrics) -> VerdictLog:
    return VerdictLog(tmp_path / "verdicts.db", metrics)


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return metrics.registry.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize(
    ("of", "kind"),
    [
        (target(), PlanKind.RESTRICT),
        (target(forbidden=()), PlanKind.DECLINE),
        (target(forbidden=(), passages=("Long ago.",)), PlanKind.RESTRICT),
        (target(forbidden=(), patterns=(Pattern(kind=PatternKind.IBAN, value="*"),)), PlanKind.RESTRICT),
        (target(methods=(Method.GUARD, Method.ULD)), PlanKind.SUBTRACT),
        (target(methods=(Method.ALU, Method.ULD)), PlanKind.AGENTS),
        (target(methods=(Method.ALU, Method.DECLINE)), PlanKind.DECLINE),
    ],
)
def test_what_enforcing_a_target_alone_would_do(of: ForgetTarget, kind: PlanKind) -> None:
    assert would_be(of) is kind


def test_a_verdict_says_what_was_done_or_would_have_been() -> None:
    targets = {"ft_1": target(), "ft_2": target("ft_2", methods=(Method.DECLINE,))}
    found = verdicts_of("r", PlanKind.RESTRICT, [match(mode=Mode.ENFORCE), match("ft_2")], targets)
    assert [(v.target_id, v.kind, v.mode) for v in found] == [
        ("ft_1", PlanKind.RESTRICT, Mode.ENFORCE),
        ("ft_2", PlanKind.DECLINE, Mode.SHADOW),
    ]
    assert (found[0].revision, found[0].score, found[0].signals) == (3, 0.9, asdict(match().signals))


def test_what_is_noted_is_read_newest_first_and_in_pages(kept: VerdictLog) -> None:
    kept.add([verdict(number) for number in range(5)])
    first = kept.page(limit=2)
    second = kept.page(first.next, limit=2)
    last = kept.page(second.next, limit=2)
    assert [v.request_id for v in (*first.items, *second.items, *last.items)] == [
        f"req-{n}" for n in (4, 3, 2, 1, 0)
    ]
    assert last.next is None
    assert first.items[0].signals == {"semantic": 0.9}


def test_a_page_can_be_of_one_mode_or_one_target(kept: VerdictLog) -> None:
    kept.add([verdict(1), verdict(2, mode=Mode.ENFORCE), verdict(3, target_id="ft_2")])
    assert [v.request_id for v in kept.page(mode=Mode.ENFORCE).items] == ["req-2"]
    assert [v.request_id for v in kept.page(target_id="ft_1", mode=Mode.SHADOW).items] == ["req-1"]


def test_it_keeps_the_newest_and_nothing_old(tmp_path: Path, metrics: Metrics) -> None:
    kept = VerdictLog(tmp_path / "verdicts.db", metrics, max_rows=3, max_age_s=100)
    kept.add([verdict(number) for number in range(5)])
    assert [v.request_id for v in kept.page().items] == ["req-4", "req-3", "req-2"]
    kept.add([verdict(9, at=time.time() - 101)])
    assert "req-9" not in [v.request_id for v in kept.page().items]


def test_verdicts_outlive_the_process(tmp_path: Path, metrics: Metrics) -> None:
    kept = VerdictLog(tmp_path / "verdicts.db", metrics)
    kept.add([verdict()])
    kept.flush()
    assert len(VerdictLog(tmp_path / "verdicts.db", metrics).page().items) == 1


def test_the_file_is_its_owners_alone(kept: VerdictLog, tmp_path: Path) -> None:
    kept.add([verdict()])
    kept.flush()
    assert (tmp_path / "verdicts.db").stat().st_mode & 0o077 == 0


def test_a_file_that_cannot_be_written_drops_and_counts(tmp_path: Path, metrics: Metrics) -> None:
    kept = VerdictLog(tmp_path, metrics)
    kept.add([verdict(), verdict()])
    kept.flush()
    assert value(metrics, "lethe_verdicts_dropped_total") == 2
    with pytest.raises(StoreUnavailable):
        kept.page()


def test_a_full_queue_drops_and_counts(
    kept: VerdictLog, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "MAX_WAITING", 3)
    kept.add([verdict(number) for number in range(5)])
    assert value(metrics, "lethe_verdicts_dropped_total") == 2
    assert len(kept.page().items) == 3


def test_a_running_log_writes_by_itself_and_what_is_left_at_the_end(
    tmp_path: Path, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "WRITE_PERIOD_S", 0.01)
    path = tmp_path / "verdicts.db"

    async def live() -> None:
        kept = VerdictLog(path, metrics)
        task = asyncio.create_task(kept.run())
        kept.add([verdict(1)])
        while not path.exists() or not VerdictLog(path, metrics).page().items:
            await asyncio.sleep(0.01)
        kept.add([verdict(2)])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(live())
    assert len(VerdictLog(path, metrics).page().items) == 2


def test_decisions_count_the_plan_and_the_strongest_shadow(kept: VerdictLog, metrics: Metrics) -> None:
    touched = {"ft_1": target(), "ft_2": target("ft_2", methods=(Method.DECLINE,))}
    plan = Plan(PlanKind.PASS, (), (match(), match("ft_2")), 7)
    Recorder(metrics, kept).record_plan("r", PlannedRequest(plan, (), touched))
    Recorder(metrics, kept).record_plan("r", PlannedRequest(Plan(PlanKind.PASS, (), (), 7), ()))
    assert value(metrics, "lethe_verdicts_total", action="pass", mode="enforce", touched_by="question") == 2
    assert value(metrics, "lethe_verdicts_total", action="decline", mode="shadow", touched_by="question") == 1
    assert value(metrics, "lethe_verdicts_total", action="restrict", mode="shadow", touched_by="question") == 0
    assert len(kept.page().items) == 2


def test_verdicts_say_whether_the_target_had_a_canary_share(kept: VerdictLog) -> None:
    touched = {"ft_1": target(mode=Mode.SHADOW, canary=0.5), "ft_2": target("ft_2")}
    matches = (match(mode=Mode.ENFORCE), match("ft_2", Mode.ENFORCE))
    kept.add(verdicts_of("r", PlanKind.RESTRICT, matches, touched))
    assert {one.target_id: one.canary for one in kept.page().items} == {"ft_1": True, "ft_2": False}


def test_sides_of_a_canary_share_are_counted_apart_and_nothing_else(kept: VerdictLog) -> None:
    now = time.time()
    kept.add(
        [
            verdict(1, at=now - 9, canary=True),
            verdict(2, at=now - 5, canary=True, mode=Mode.ENFORCE),
            verdict(3, at=now - 4, canary=True, mode=Mode.ENFORCE, touched_by=TouchedBy.ANSWER),
            verdict(4, at=now - 3, canary=True, mode=Mode.ENFORCE, kind=PlanKind.DECLINE),
            verdict(5, mode=Mode.ENFORCE),
            verdict(6, canary=True, target_id="ft_2"),
            verdict(7, at=now - 2 * verdicts.MAX_AGE_S, canary=True),
        ]
    )
    sides = kept.canary_sides("ft_1")
    enforced, shadow = sides[Mode.ENFORCE], sides[Mode.SHADOW]
    assert (enforced.requests, enforced.said) == (3, 1)
    assert enforced.plans == {PlanKind.RESTRICT: 2, PlanKind.DECLINE: 1}
    assert enforced.first_at == pytest.approx(now - 5)
    assert (shadow.requests, shadow.first_at) == (1, pytest.approx(now - 9))


def test_a_request_counts_the_side_of_each_canary_share(kept: VerdictLog, metrics: Metrics) -> None:
    policy = SimpleNamespace(canaries=SimpleNamespace(by_id={"ft_1": 1, "ft_2": 2, "ft_3": 3}), sharing={"ft_2"})
    planned = PlannedRequest(Plan(PlanKind.PASS, (), (), 7), (), policy=policy)  # type: ignore[arg-type]
    Recorder(metrics, kept).record_plan("r", planned)
    assert value(metrics, "lethe_canary_requests_total", mode="enforce") == 1
    assert value(metrics, "lethe_canary_requests_total", mode="shadow") == 2
