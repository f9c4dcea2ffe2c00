from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from guard.errors import UnknownTarget
from guard.registry.outside.cases import Case, CaseState
from guard.registry.registry import Registry
from guard.targets.target import Draft

CAME = datetime(2026, 11, 2, 9, tzinfo=UTC)
NOW = datetime(2026, 11, 27, tzinfo=UTC)
NAMES = ("Ada Quill", "Bo Thistle", "Cy Marrow")


def added(registry: Registry, *days: int) -> list[Case]:
    """A case for each of these numbers of days until it is due."""
    made = []
    for name, due in zip(NAMES, days, strict=False):
        id = registry.add(Draft(name=name)).id
        made.append(Case(target_id=id, received_at=CAME, due_at=CAME + timedelta(days=due), requester="T-1"))
        registry.cases.put(made[-1])
    return made


def test_a_case_is_kept_as_it_is_and_replaced_by_the_next(registry: Registry) -> None:
    (case,) = added(registry, 30)
    assert registry.cases.get(case.target_id) == case
    later = Case(target_id=case.target_id, received_at=CAME, due_at=CAME + timedelta(days=60), closed_at=NOW)
    registry.cases.put(later)
    assert registry.cases.get(case.target_id) == later


def test_cases_are_listed_by_their_state_and_the_first_due_first(registry: Registry) -> None:
    late, early, closed = added(registry, 40, 10, 5)
    registry.cases.put(
        Case(target_id=closed.target_id, received_at=CAME, due_at=closed.due_at, closed_at=NOW - timedelta(days=1))
    )

    def listed(state: CaseState | None) -> list[str]:
        return [case.target_id for case in registry.cases.list(state, NOW).cases]

    assert listed(CaseState.OPEN) == [early.target_id, late.target_id]
    assert listed(CaseState.OVERDUE) == [early.target_id]
    assert listed(CaseState.CLOSED) == [closed.target_id]
    assert listed(None) == [closed.target_id, early.target_id, late.target_id]
    assert registry.cases.count(NOW) == (2, 1)
    assert early.state(NOW) is CaseState.OVERDUE
    assert late.state(NOW) is CaseState.OPEN


def test_times_of_other_zones_sort_as_the_times_do(registry: Registry) -> None:
    first, second = added(registry, 1, 2)
    zone = timezone(timedelta(hours=-11))
    for case, hour in ((first, 2), (second, 1)):
        due = datetime(2026, 11, 3, hour, tzinfo=UTC).astimezone(zone if case is first else UTC)
        registry.cases.put(Case(target_id=case.target_id, received_at=CAME, due_at=due))
    assert [case.target_id for case in registry.cases.list(None, NOW).cases] == [second.target_id, first.target_id]


def test_cases_come_page_after_page(registry: Registry) -> None:
    made = added(registry, 1, 2, 3)
    page = registry.cases.list(None, NOW, limit=2)
    assert page.next == 2
    rest = registry.cases.list(None, NOW, page.next, 2)
    assert [*page.cases, *rest.cases] == made
    assert rest.next is None


def test_a_case_outlives_its_target(registry: Registry) -> None:
    (case,) = added(registry, 30)
    registry.revoke(case.target_id)
    assert registry.cases.get(case.target_id) == case


def test_a_target_that_is_none_has_no_case(registry: Registry) -> None:
    with pytest.raises(UnknownTarget):
        registry.cases.put(Case(target_id="ft_0", received_at=CAME, due_at=NOW))
    with pytest.raises(UnknownTarget):
        registry.cases.get("ft_0")
