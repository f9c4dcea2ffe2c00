from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime

import pytest

from guard.registry.approval.rule import Approval
from guard.registry.search import EventSearch
from guard.targets.audit_log import Action
from guard.targets.target import Draft, Fact
from serving.admin.target_file import MAX_BATCH_ROWS
from tests.serving.desk.conftest import Browser, Service

pytestmark = pytest.mark.anyio

ROWS = "/ui/import/rows"


async def give(browser: Browser, content: str | bytes, name: str = "targets.jsonl") -> str:
    data = content.encode() if isinstance(content, str) else content
    response = await browser.post("/ui/import", files={"file": (name, data, "text/plain")})
    if response.status_code == 303:
        assert response.headers["location"] == ROWS
        response = await browser.get(ROWS)
    return response.text


def names(service: Service) -> list[str]:
    return [target.draft.name for target in service.registry.active()]


async def test_a_file_is_looked_through_and_then_stored(browser: Browser, service: Service) -> None:
    service.registry.add(Draft(name="Bo Quill"))
    text = '{"name": "Ada Quill", "facts": [{"answer": "Born in Ost."}]}\n{"name": "bo quill"}\n'
    page = await give(browser, text)
    assert "can be stored: 1. Faulty rows: 0. There already, or twice in the file: 1." in page
    assert names(service) == ["Bo Quill"]
    done = await browser.post(ROWS, {"store": "yes"})
    assert "Targets stored: 1. There already, and left as they are: 1." in done.text
    stored = service.registry.active()[-1]
    assert f'<a href="/ui/targets/{stored.id}">Ada Quill</a>' in done.text
    assert names(service) == ["Bo Quill", "Ada Quill"]
    assert (await browser.get(ROWS)).headers["location"] == "/ui/import"


def marks(page: str) -> list[str]:
    """What the page says of each row that has no fault, its last column."""
    table = page.split("<tbody>")[-1].split("</tbody>")[0]
    cells = [row.rsplit("<td>", 1)[1] for row in table.split("</tr>") if "<td>" in row]
    return [" ".join(re.sub(r"<[^>]*>", " ", cell).split()) for cell in cells]


async def test_each_row_is_marked_by_what_is_there(browser: Browser, service: Service) -> None:
    fact = {"answer": "Born in Ost."}
    bo = Draft(name="Bo Quill", facts=(Fact(answer="Born in Ost."),))
    stored = service.registry.add_many([bo, Draft(name="Cy Vell"), Draft(name="Di Marsh")])
    service.registry.revoke(stored[2].id)
    rows = [
        {"name": "Ada Quill"},
        {"name": "Bo Quill", "facts": [fact]},
        {"name": "Cy Vell", "facts": [fact], "mode": "shadow"},
        {"name": "cy vell", "kind": "work"},
        {"name": "ADA QUILL"},
        {"name": "Di Marsh"},
    ]
    page = await give(browser, json.dumps(rows), "targets.json")
    assert "can be stored: 3. Faulty rows: 0. There already, or twice in the file: 3." in page
    assert marks(page) == [
        "new",
        "there already, the same",
        "there already, differs Facts, Mode",
        "new",
        "a second time in the file",
        "new",
    ]
    assert f'<a href="/ui/targets/{stored[1].id}">there already, differs</a>' in page
    assert ">Store 3 targets</button>" in page
    done = await browser.post(ROWS, {"store": "yes"})
    assert "Targets stored: 3. There already, and left as they are: 3." in done.text


async def test_rows_that_wait_for_approval_are_marked_as_the_import_finds_them(
    browser: Browser, service: Service
) -> None:
    service.registry.approvals.rule.write(Approval.FOUR_EYES)
    await give(browser, '{"name": "Ada Quill"}')
    await browser.post(ROWS, {"store": "yes"})
    assert names(service) == []
    page = await give(browser, '{"name": "ada quill"}\n{"name": "Ada Quill"}')
    assert marks(page) == ["there already, differs Name", "there already, the same"]


async def test_every_faulty_row_is_named_with_all_its_faults(browser: Browser, service: Service) -> None:
    rows = [
        {"name": "Ada Quill"},
        {"name": "x", "kind": "god"},
        {"name": "Bo", "colour": "red"},
        {"name": "Cy", "expires_at": "2001-01-01T00:00:00Z"},
        {"facts": [{"answer": 5}]},
    ]
    page = await give(browser, json.dumps(rows), "targets.json")
    assert "can be stored: 1. Faulty rows: 4." in page
    for text in ("row 2", "row 3", "row 4", "row 5", "kind", "colour", "expires_at", "facts[0].answer"):
        assert text in page
    assert (await browser.post(ROWS, {"store": "yes"})).headers["location"] == ROWS
    assert names(service) == []
    done = await browser.post(ROWS, {"store": "yes", "sound": "yes"})
    assert "Targets stored: 1. There already, and left as they are: 0. Faulty rows left out: 4." in done.text
    assert names(service) == ["Ada Quill"]


async def test_columns_of_a_spreadsheet_are_given_their_meaning(browser: Browser, service: Service) -> None:
    text = "Full name;Also known as;External ref;Colour\nAda Quill;A. Q.|Adina;T-1;red\nBo Quill;;T-2;blue\n"
    page = await give(browser, text, "list.CSV")
    assert "no column is called name" in page
    assert "Say below what its columns stand for" in page
    assert '<option value="external_ref" selected>Reference</option>' in page
    page = (
        await browser.post(
            ROWS, {"columns": "yes", "column-0": "name", "column-1": "aliases", "column-2": "external_ref"}
        )
    ).headers
    assert page["location"] == ROWS
    shown = await browser.get(ROWS)
    assert "can be stored: 2." in shown.text
    await browser.post(ROWS, {"store": "yes"})
    ada, bo = service.registry.active()
    assert (ada.draft.name, ada.draft.aliases, ada.draft.external_ref) == ("Ada Quill", ("A. Q.", "Adina"), "T-1")
    assert (bo.draft.aliases, bo.draft.external_ref) == ((), "T-2")


async def test_the_example_of_a_spreadsheet_can_be_imported(browser: Browser, service: Service) -> None:
    shown = (await browser.get("/ui/import")).text
    rows = html.unescape(shown.split("<pre>")[1].split("</pre>")[0])
    assert "can be stored: 2. Faulty rows: 0." in await give(browser, rows, "example.csv")
    await browser.post(ROWS, {"store": "yes"})
    person, work = service.registry.active()
    assert (len(person.draft.facts), work.draft.kind) == (2, "work")


async def test_a_file_of_what_is_there_already_is_not_shown_as_a_success(
    browser: Browser, service: Service
) -> None:
    service.registry.add(Draft(name="Bo Quill"))
    page = await give(browser, '{"name": "bo quill"}')
    assert "No row would be stored" in page
    assert "notice good" not in page
    assert 'name="store"' not in page
    done = await browser.post(ROWS, {"store": "yes"})
    assert "Targets stored: 0. There already, and left as they are: 1." in done.text
    assert "notice good" not in done.text


async def test_columns_are_known_by_the_desks_own_names(browser: Browser, service: Service) -> None:
    rows = "Name;Given phrases;Ends (UTC)\nAda Quill;Mothwick;2990-01-01T00:00:00Z\n"
    page = await give(browser, rows, "list.csv")
    assert "can be stored: 1." in page
    await browser.post(ROWS, {"store": "yes"})
    (ada,) = service.registry.active()
    assert (ada.draft.phrases, ada.draft.expires_at) == (("Mothwick",), datetime(2990, 1, 1, tzinfo=UTC))


async def test_two_columns_cannot_mean_the_same(browser: Browser) -> None:
    await give(browser, "name,title\nAda Quill,Bo Quill\n", "list.csv")
    await browser.post(ROWS, {"columns": "yes", "column-0": "name", "column-1": "name"})
    assert "two columns" in (await browser.get(ROWS)).text


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "a.json"),
        (b"\xff\xfe", "a.json"),
        (b"{", "a.json"),
        (b"[" * 100_000, "a.json"),
        (b"3", "a.json"),
        (b"", "a.csv"),
        (b"name\n\x00\n", "a.csv"),
        (b"name\n" + b"x" * 150_000, "a.csv"),
        (b'name,basis\n"Ada', "a.csv"),
        ("\n".join(f'{{"name": "P {n:04}"}}' for n in range(MAX_BATCH_ROWS + 1)).encode(), "a.jsonl"),
    ],
)
async def test_what_cannot_be_read_is_refused_with_a_reason(
    browser: Browser, service: Service, content: bytes, name: str
) -> None:
    page = await give(browser, content, name)
    assert 'role="alert"' in page or "can be stored: 0." in page
    await browser.post(ROWS, {"store": "yes", "sound": "yes"})
    assert names(service) == []


async def test_no_text_of_a_file_becomes_part_of_a_page(browser: Browser) -> None:
    code = '"><script>alert(1)</script>'
    page = await give(browser, json.dumps([{"name": f"Ada {code}"}, {"name": f"x{code}", code: 1}]))
    assert page.count("<script") == 1
    page = await give(browser, f"name,{code.replace(',', '')}\nAda,{code}\n", "a.csv")
    assert page.count("<script") == 1


async def test_a_file_can_be_discarded_and_is_of_one_session(browser: Browser) -> None:
    await give(browser, '{"name": "Ada Quill"}')
    assert (await browser.post("/ui/import/discard")).status_code == 303
    assert (await browser.get(ROWS)).headers["location"] == "/ui/import"
    assert (await browser.post(ROWS, {"store": "yes"})).headers["location"] == "/ui/import"
    assert (await browser.post("/ui/import", {"file": "text"})).status_code == 422


async def test_an_export_is_noted_target_by_target_and_can_be_imported_again(
    browser: Browser, service: Service
) -> None:
    drafts = [Draft(name="Ada Quill", facts=(Fact(answer="Born in Ost."),)), Draft(name="Bo Quill")]
    targets = service.registry.add_many(drafts)
    service.registry.revoke(targets[1].id)
    exported = await browser.post("/ui/export")
    assert exported.headers["content-disposition"] == 'attachment; filename="targets.jsonl"'
    assert [json.loads(line)["name"] for line in exported.text.splitlines()] == ["Ada Quill"]
    events = service.registry.latest_events(EventSearch(action=Action.REVEALED))
    assert [event.target_id for event in events] == [targets[0].id]
    service.registry.revoke(targets[0].id)
    await give(browser, exported.content)
    await browser.post(ROWS, {"store": "yes"})
    assert [target.draft for target in service.registry.active()] == drafts[:1]


async def test_an_export_needs_the_token_of_the_session(browser: Browser, service: Service) -> None:
    service.registry.add(Draft(name="Ada Quill"))
    assert (await browser.get("/ui/export")).status_code == 405
    assert "Ada" not in (await browser.post("/ui/export", {"csrf": "x"})).text
