from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from guard.registry.outside.cases import Case
from guard.targets.target import Draft
from tests.serving.desk.conftest import Browser, Service

pytestmark = pytest.mark.anyio
CASES = "/ui/cases"
NOW = datetime.now(UTC)


def case(target_id: str, days: float, closed: bool = False) -> Case:
    return Case(
        target_id=target_id,
        received_at=NOW - timedelta(days=40),
        due_at=NOW + timedelta(days=days),
        requester=f"T-{days:.0f}",
        closed_at=NOW if closed else None,
    )


async def test_cases_are_listed_the_first_due_first_and_those_overdue_marked(
    browser: Browser, service: Service
) -> None:
    assert "There is no such case" in (await browser.get(CASES)).text
    ada, bo, cy = (
        one.id for one in service.registry.add_many([Draft(name=f"{name} Quill") for name in ("Ada", "Bo", "Cy")])
    )
    for one in (case(ada, 3), case(bo, -2), case(cy, -5, closed=True)):
        service.registry.cases.put(one)
    for query, expected in {
        "": [bo, ada],
        "?state=overdue": [bo],
        "?state=closed": [cy],
        "?state=all": [cy, bo, ada],
        "?state=x&after=y": [bo, ada],
        "?state=open&after=1": [ada],
    }.items():
        page = await browser.get(f"{CASES}{query}")
        assert re.findall(r'href="/ui/targets/(ft_\w+)"', page.text) == expected, query
        assert "Quill" not in page.text
    assert page.text.count('<strong class="fault">overdue') == 0
    overview = (await browser.get("/ui")).text
    assert '<strong class="fault">1</strong>' in overview
    assert "of 2 that are not answered" in overview
    assert "overdue, due " in (await browser.get(f"/ui/targets/{bo}")).text


async def test_many_cases_come_in_pages_that_keep_the_filter(browser: Browser, service: Service) -> None:
    for target in service.registry.add_many([Draft(name=f"Ada {n}") for n in range(51)]):
        service.registry.cases.put(case(target.id, -1))
    page = await browser.get(f"{CASES}?state=overdue")
    (older,) = re.findall(r'href="([^"]+)" rel="next"', page.text)
    rest = (await browser.get(older.replace("&amp;", "&"))).text
    assert len(re.findall(r'href="/ui/targets/ft_\w+"', rest)) == 1
    assert '<option value="overdue" selected>' in rest


async def test_a_case_is_stored_answered_and_opened_again(browser: Browser, service: Service) -> None:
    id = service.registry.add(Draft(name="Ada Quill")).id
    assert f'value="{id}" required' in (await browser.get(f"{CASES}?target={id}")).text
    sent = {"target_id": id, "received_at": "2031-01-31", "due_at": "", "requester": "T-17"}
    assert (await browser.post(CASES, sent)).status_code == 303
    stored = service.registry.cases.get(id)
    assert (stored.received_at.isoformat(), stored.requester) == ("2031-01-31T00:00:00+00:00", "T-17")
    assert stored.due_at.date().isoformat() == "2031-02-28"
    assert (await browser.post(f"{CASES}/{id}/close")).status_code == 303
    assert service.registry.cases.get(id).closed_at is not None
    assert "Note as answered" not in (await browser.get(f"{CASES}?state=closed")).text
    await browser.post(CASES, sent | {"due_at": "2031-02-10"})
    stored = service.registry.cases.get(id)
    assert stored.closed_at is None
    # The day that it is due is over when it ends.
    assert stored.due_at.isoformat() == "2031-02-10T23:59:59+00:00"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("target_id", "ft_none"),
        ("target_id", ""),
        ("received_at", ""),
        ("received_at", "31.1.2031"),
        ("received_at", "2031-02-30"),
        ("due_at", "soon"),
        ("requester", "Ada Quill <ada@quill.example>"),
        ("requester", "x" * 65),
    ],
)
async def test_what_cannot_be_stored_is_said_and_the_form_kept(
    browser: Browser, service: Service, field: str, value: str
) -> None:
    id = service.registry.add(Draft(name="Ada Quill")).id
    sent = {"target_id": id, "received_at": "2031-01-31", "due_at": "", "requester": "T-17"} | {field: value}
    page = await browser.post(CASES, sent)
    assert page.status_code == 422
    assert 'role="alert"' in page.text
    assert service.registry.cases.list(None, NOW).cases == []


async def test_the_case_of_a_target_that_was_erased_stays(browser: Browser, service: Service) -> None:
    id = service.registry.add(Draft(name="Ada Quill")).id
    service.registry.cases.put(case(id, 1))
    service.registry.revoke(id)
    assert "(erased)" in (await browser.get(CASES)).text
    assert (await browser.post(f"{CASES}/ft_none/close")).status_code == 404
