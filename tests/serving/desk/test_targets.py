from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from guard.registry.replicas import Replica
from guard.registry.search import EventSearch
from guard.targets.audit_log import Action
from guard.targets.target import Draft, Fact, Kind, Mode, State
from serving.desk.pages.targets import PAGE_ROWS
from tests.serving.desk.conftest import Browser, Service

pytestmark = pytest.mark.anyio

ADA = Draft(
    name="Ada Quillfeather",
    aliases=("A. Q.",),
    facts=(Fact(question="What did she write?", answer='She wrote "The Glass Orchard" in 1931.'),),
    passages=("The orchard was of glass that year and nobody knew why.",),
    phrases=("Mothwick",),
    exceptions=("Ada Lark",),
)
TEXTS = ("Quillfeather", "A. Q.", "Glass Orchard", "nobody knew", "Mothwick", "Ada Lark")


def actions(service: Service) -> list[Action]:
    return [event.action for event in service.registry.latest_events(EventSearch())]


def fields(text: str) -> dict[str, object]:
    """What a browser would send of the form of a target as it stands on a page."""
    form = text.split("<form", 2)[-1]
    found: dict[str, object] = {
        name: html.unescape(value)
        for name, value in re.findall(r'<input[^>]* name="([\w]+)"[^>]* value="([^"]*)"', form)
    }
    for name, options in re.findall(r'<select[^>]* name="(\w+)".*?>(.*?)</select>', form, re.S):
        found[name] = re.findall(r'<option value="(\w*)" selected', options)[0]
    for name in {*re.findall(r'<textarea[^>]* name="(\w+)"', form)}:
        texts = re.findall(rf'<textarea[^>]* name="{name}"[^>]*>\n?(.*?)</textarea>', form, re.S)
        # A browser sends line ends of its own.
        found[name] = [html.unescape(text).replace("\n", "\r\n") for text in texts]
    checked = re.findall(r'<input type="checkbox"[^>]*name="(\w+)"(?: value="(\w+)")?[^>]* checked', form)
    found["methods"] = [value for name, value in checked if name == "methods"]
    found |= {name: "on" for name, _ in checked if name != "methods"}
    return {
        name: value for name, value in found.items() if name not in ("csrf", "soft", "shared") or value == "on"
    }


async def test_targets_are_listed_masked(browser: Browser, service: Service) -> None:
    target = service.registry.add(ADA)
    page = await browser.get("/ui/targets")
    assert target.id in page.text
    assert "••• (16 characters)" in page.text
    assert not [text for text in TEXTS if text in page.text]


async def test_targets_are_found_by_name_kind_mode_and_state(browser: Browser, service: Service) -> None:
    ada = service.registry.add(ADA)
    bo = service.registry.add(Draft(name="Bo", kind=Kind.WORK, mode=Mode.SHADOW))
    gone = service.registry.add(Draft(name="Cy"))
    service.registry.revoke(gone.id)
    for query, expected in {
        "": {ada.id, bo.id},
        "?state=all": {ada.id, bo.id, gone.id},
        "?state=revoked": {gone.id},
        "?q=QUILL": {ada.id},
        "?kind=work": {bo.id},
        "?mode=shadow&kind=&q=": {bo.id},
        "?kind=nonsense&mode=%27": {ada.id, bo.id},
        "?q=zzz": set(),
    }.items():
        page = await browser.get(f"/ui/targets{query}")
        assert set(re.findall(r'href="/ui/targets/(ft_\w+)"', page.text)) == expected, query


async def test_a_long_list_comes_in_pages_that_keep_the_filters(browser: Browser, service: Service) -> None:
    targets = service.registry.add_many([Draft(name=f"Person {n:03}") for n in range(PAGE_ROWS + 1)])
    page = await browser.get("/ui/targets?q=person&state=active")
    following = html.unescape(re.findall(r'href="([^"]+)" rel="next"', page.text)[0])
    rest = await browser.get(following)
    assert re.findall(r'href="/ui/targets/(ft_\w+)"', rest.text) == [targets[-1].id]
    assert 'rel="next"' not in rest.text
    assert 'value="person"' in rest.text


async def test_names_are_revealed_for_the_session_and_the_audit_trail_says_so(
    browser: Browser, service: Service
) -> None:
    ids = [target.id for target in service.registry.add_many([ADA, Draft(name="Bo Quill")])]
    back = await browser.post("/ui/targets/reveal", {"shown": ids, "back": "/ui/targets?q=quill"})
    assert back.headers["location"] == "/ui/targets?q=quill"
    page = await browser.get("/ui/targets?q=quill")
    assert "Ada Quillfeather" in page.text
    assert "Bo Quill" in page.text
    assert actions(service)[:2] == [Action.REVEALED] * 2
    await browser.post("/ui/targets/reveal", {"shown": ids, "back": "//evil.example"})
    assert actions(service).count(Action.REVEALED) == 2
    await browser.post("/ui/sign-out")
    await browser.sign_in()
    assert "Quillfeather" not in (await browser.get("/ui/targets")).text


async def test_chosen_targets_are_revoked_after_a_question(browser: Browser, service: Service) -> None:
    ids = [target.id for target in service.registry.add_many([Draft(name=f"Person {n}") for n in range(3)])]
    asked = await browser.post("/ui/targets/revoke", {"chosen": ids[:2], "back": "/ui/targets"})
    assert asked.status_code == 200
    assert service.registry.counts()[State.ACTIVE] == 3
    service.registry.revoke(ids[0])
    done = await browser.post("/ui/targets/revoke", {"chosen": ids[:2], "back": "/ui/targets", "confirmed": "yes"})
    assert done.headers["location"] == "/ui/targets"
    assert [target.id for target in service.registry.active()] == ids[2:]


async def test_the_list_says_what_became_of_those_that_were_chosen(browser: Browser, service: Service) -> None:
    assert "There is no target yet" in (await browser.get("/ui/targets")).text
    ids = [target.id for target in service.registry.add_many([Draft(name=f"Person {n}") for n in range(3)])]
    assert (await browser.post("/ui/targets/revoke", {"back": "/ui/targets"})).status_code == 303
    assert "Choose targets first" in (await browser.get("/ui/targets")).text
    assert "Choose targets first" not in (await browser.get("/ui/targets")).text
    await browser.post("/ui/targets/revoke", {"chosen": ids[:1], "back": "/ui/targets", "confirmed": "yes"})
    assert "One target is revoked." in (await browser.get("/ui/targets")).text
    await browser.post("/ui/targets/revoke", {"chosen": ids, "back": "/ui/targets", "confirmed": "yes"})
    page = (await browser.get("/ui/targets")).text
    assert "2 targets are revoked." in page
    assert "There is no target yet" not in page
    assert "found by their state" in page


async def test_names_that_are_all_revealed_are_not_offered_again(browser: Browser, service: Service) -> None:
    target = service.registry.add(ADA)
    assert "Reveal the names" in (await browser.get("/ui/targets")).text
    await browser.post("/ui/targets/reveal", {"shown": [target.id], "back": "/ui/targets"})
    assert "Reveal the names" not in (await browser.get("/ui/targets")).text


async def test_a_target_that_ended_leads_to_its_events(browser: Browser, service: Service) -> None:
    target = service.registry.add(ADA)
    service.registry.revoke(target.id)
    assert f"/ui/audit?target_id={target.id}" in (await browser.get(f"/ui/targets/{target.id}")).text


async def test_a_preview_says_what_to_do_next(browser: Browser, service: Service) -> None:
    await browser.get("/ui/targets/add")
    blank = fields((await browser.get("/ui/targets/add")).text)
    bare = await browser.post("/ui/targets/add", {**blank, "name": "Ada Quillfeather", "preview": "yes"})
    assert "What it forbids: one phrase" in bare.text
    assert "Only its name is known" in bare.text
    assert '<button form="entries">Store</button>' in bare.text
    known = await browser.post(
        "/ui/targets/add", {**blank, "name": "Ada Quillfeather", "phrases": "river", "preview": "yes"}
    )
    assert "Only its name is known" not in known.text
    assert "is left out by naming it under Exceptions" in known.text


async def test_a_target_is_masked_until_it_is_revealed(browser: Browser, service: Service) -> None:
    target = service.registry.add(ADA)
    place = f"/ui/targets/{target.id}"
    page = await browser.get(place)
    assert not [text for text in TEXTS if text in page.text]
    assert (await browser.get(f"{place}/edit")).headers["location"] == place
    assert (await browser.post(f"{place}/edit", {"name": "x"})).headers["location"] == place
    assert service.registry.get(target.id) == target
    await browser.post(f"{place}/reveal")
    page = await browser.get(place)
    assert not [text for text in TEXTS if text not in page.text]
    assert actions(service)[0] is Action.REVEALED


async def test_what_a_target_forbids_is_shown_with_kind_reason_and_first_distinctive_point(
    browser: Browser, service: Service
) -> None:
    draft = Draft(
        name="Ada Quillfeather",
        facts=(Fact(answer='She wrote "The Glass Orchard of Mothwick Hill".'),),
        phrases=("bread",),
    )
    target = service.registry.add(draft)
    await browser.post(f"/ui/targets/{target.id}/reveal")
    page = html.unescape((await browser.get(f"/ui/targets/{target.id}")).text)
    row = next(
        row for row in re.findall(r"<tr>.*?</tr>", page, re.S) if "The Glass Orchard of Mothwick Hill" in row
    )
    cells = re.findall(r"<td>(.*?)</td>", row)
    assert cells[1] == "title"
    assert cells[2]
    assert cells[0].startswith(cells[3]) or cells[3] == "the whole phrase"


async def test_a_target_is_seen_before_it_is_stored_and_then_stored(browser: Browser, service: Service) -> None:
    form = fields((await browser.get("/ui/targets/add")).text)
    form |= {
        "name": "Ada Quillfeather",
        "question": ["", "What?"],
        "answer": ["Born in Mothwick.", 'She wrote "Glass".'],
    }
    form |= {
        "aliases": "A. Q.\r\nAda of Mothwick\r\n\r\n",
        "patterns": "email=ada@quill.example",
        "expires_at": "2090-01-31T00:00",
    }
    seen = await browser.post("/ui/targets/add", {**form, "preview": "yes"})
    assert (seen.status_code, service.registry.version()) == (200, 0)
    assert "Mothwick" in seen.text.split("<form")[2]
    stored = await browser.post("/ui/targets/add", form)
    assert stored.status_code == 303
    (target,) = service.registry.active()
    assert stored.headers["location"] == f"/ui/targets/{target.id}"
    assert target.draft.aliases == ("A. Q.", "Ada of Mothwick")
    assert target.draft.facts == (
        Fact(answer="Born in Mothwick."),
        Fact(question="What?", answer='She wrote "Glass".'),
    )
    assert [pattern.value for pattern in target.draft.patterns] == ["ada@quill.example"]
    assert target.draft.expires_at
    assert target.draft.expires_at.isoformat() == "2090-01-31T00:00:00+00:00"
    assert "Ada Quillfeather" in (await browser.get(f"/ui/targets/{target.id}")).text


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *(("name", ""), ("name", "a"), ("kind", "god"), ("alpha", "11"), ("alpha", "x"), ("quoted_words", "")),
        *(
            ("patterns", "iban=DE00"),
            ("patterns", "nonsense"),
            ("expires_at", "2001-01-01T00:00"),
            ("expires_at", "soon"),
        ),
        *(("methods", []), ("aliases", "x"), ("basis", "b" * 300)),
    ],
)
async def test_a_faulty_field_is_named_and_what_was_typed_stays(
    browser: Browser, service: Service, member: str, value: object
) -> None:
    form = fields((await browser.get("/ui/targets/add")).text) | {"name": "Ada", "answer": 'Said "Glass Orchard".'}
    refused = await browser.post("/ui/targets/add", {**form, member: value})
    assert refused.status_code == 422
    assert f'href="#{member}"' in refused.text
    assert f'id="{member}"' in refused.text
    assert "Glass Orchard" in refused.text
    assert service.registry.version() == 0


async def test_a_name_that_is_there_already_is_a_fault_of_the_name(browser: Browser, service: Service) -> None:
    service.registry.add(ADA)
    form = fields((await browser.get("/ui/targets/add")).text) | {"name": "ada QUILLFEATHER"}
    for button in ({}, {"preview": "yes"}):
        refused = await browser.post("/ui/targets/add", {**form, **button})
        assert refused.status_code == 422
        assert 'href="#name"' in refused.text


async def test_more_rows_keep_what_was_typed(browser: Browser, service: Service) -> None:
    form = fields((await browser.get("/ui/targets/add")).text) | {
        "name": "Ada",
        "answer": "First.",
        "question": "",
    }
    more = await browser.post("/ui/targets/add", {**form, "more": "yes"})
    assert more.text.count('name="answer"') == 9
    assert "First." in more.text


async def test_a_form_that_nobody_touched_changes_nothing(browser: Browser, service: Service) -> None:
    draft = Draft(
        name="Ada\u2028Q",
        facts=(Fact(answer=" two\r\nlines\n"),),
        phrases=("Moth\nwick ", "x\ty"),
        passages=("\nstarts\rhere",),
    )
    target = service.registry.add(draft)
    await browser.post(f"/ui/targets/{target.id}/reveal")
    form = fields((await browser.get(f"/ui/targets/{target.id}/edit")).text)
    form["basis"] = "Article 17"
    assert (await browser.post(f"/ui/targets/{target.id}/edit", form)).status_code == 303
    changed = service.registry.get(target.id)
    assert changed.revision == 2
    assert changed.draft.basis == "Article 17"
    assert (changed.draft.facts, changed.draft.phrases, changed.draft.passages) == (
        draft.facts,
        draft.phrases,
        draft.passages,
    )


async def test_a_canary_share_is_set_shown_and_taken_away_where_the_mode_is(
    browser: Browser, service: Service
) -> None:
    target = service.registry.add(ADA)
    place = f"/ui/targets/{target.id}"
    await browser.post(f"{place}/reveal")
    form = fields((await browser.get(f"{place}/edit")).text)
    refused = await browser.post(f"{place}/edit", form | {"canary": "0.05"})
    assert refused.status_code == 422
    assert "canary: is for a target in shadow" in refused.text
    shared = await browser.post(f"{place}/edit", form | {"mode": "shadow", "canary": "0.05"})
    assert shared.status_code == 303
    assert service.registry.get(target.id).draft.canary == 0.05
    assert "<dt>Canary share</dt><dd>0.05</dd>" in (await browser.get(place)).text
    form = fields((await browser.get(f"{place}/edit")).text)
    assert form["canary"] == "0.05"
    await browser.post(f"{place}/edit", form | {"mode": "enforce", "canary": ""})
    draft = service.registry.get(target.id).draft
    assert (draft.mode, draft.canary) == (Mode.ENFORCE, None)


async def test_of_two_tabs_the_second_is_shown_what_the_first_has_stored(
    browser: Browser, service: Service
) -> None:
    target = service.registry.add(ADA)
    place = f"/ui/targets/{target.id}"
    await browser.post(f"{place}/reveal")
    tabs = [fields((await browser.get(f"{place}/edit")).text) for _ in range(2)]
    assert (await browser.post(f"{place}/edit", tabs[0] | {"basis": "Article 17"})).status_code == 303
    mine = tabs[1] | {"basis": "Contract", "aliases": "Adina"}
    conflict = await browser.post(f"{place}/edit", mine)
    assert conflict.status_code == 412
    assert service.registry.get(target.id).draft.basis == "Article 17"
    assert "Article 17" in conflict.text
    assert 'value="Contract"' in conflict.text
    assert "revision 2" in conflict.text
    again = await browser.post(f"{place}/edit", fields(conflict.text))
    assert again.status_code == 303
    stored = service.registry.get(target.id)
    assert (stored.revision, stored.draft.basis, stored.draft.aliases) == (3, "Contract", ("Adina",))
    assert stored.draft.facts == ADA.facts


async def test_a_revocation_is_of_the_revision_that_was_seen(browser: Browser, service: Service) -> None:
    target = service.registry.add(ADA)
    place = f"/ui/targets/{target.id}"
    for revision in ("2", "", "x", "-1"):
        assert (await browser.post(f"{place}/revoke", {"revision": revision})).status_code == 412
    assert (await browser.post(f"{place}/revoke", {"revision": "1"})).status_code == 303
    page = await browser.get(place)
    assert "revoked" in page.text
    assert (await browser.get(f"{place}/edit")).status_code == 404


async def test_a_page_asks_whether_its_revision_is_in_force_until_it_is(
    browser: Browser, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"/ui/targets/{service.registry.add(ADA).id}"
    page = await browser.get(place)
    assert "Revision 1 is stored and not yet in force" in page.text
    assert f'hx-get="{place}" hx-select="#force"' in page.text
    polled = await browser.get(place, **{"hx-request": "true"})
    assert 'id="force"' in polled.text
    assert 'id="review"' not in polled.text
    monkeypatch.setattr(service, "current", SimpleNamespace(policy=SimpleNamespace(has=lambda *_: True)))
    page = await browser.get(place)
    assert "Revision 1 is enforced" in page.text
    assert "hx-get" not in page.text


async def test_a_prompt_is_tried_with_its_evidence_and_the_guarded_answer(
    browser: Browser, service: Service
) -> None:
    target = service.registry.add(ADA)
    service.matched = target.id
    tried = await browser.post(f"/ui/targets/{target.id}/try", {"prompt": "Who is <i>she</i>?"})
    assert service.asked == ["Who is <i>she</i>?"]
    assert "this target" in tried.text
    assert "name 1.00, meaning 0.40" in tried.text
    assert "&lt;b&gt;orchards&lt;/b&gt;" in tried.text
    assert "&lt;i&gt;Glass&lt;/i&gt; Orchard" in tried.text
    assert "<i>she" not in tried.text
    service.engine = False
    tried = await browser.post(f"/ui/targets/{target.id}/try", {"prompt": "Who is she?"})
    assert "no engine is ready" in tried.text


@pytest.mark.parametrize(
    "path", ["/ui/targets/ft_1", "/ui/targets/ft_1/edit", "/ui/targets?after=ft_1", "/ui/nowhere"]
)
async def test_what_is_not_there_is_a_page_that_says_so(browser: Browser, path: str) -> None:
    response = await browser.get(path)
    assert response.status_code == 404
    assert 'role="alert"' in response.text


async def test_the_overview_of_a_new_server_leads_to_the_first_target(browser: Browser, service: Service) -> None:
    assert "Nothing is forgotten yet" in (await browser.get("/ui")).text
    service.registry.add(ADA)
    assert "Nothing is forgotten yet" not in (await browser.get("/ui")).text


async def test_the_overview_tells_what_is_enforced_and_why_nothing_is_answered(
    browser: Browser, service: Service
) -> None:
    service.registry.add(ADA)
    page = await browser.get("/ui")
    assert "Ready" in page.text
    service.reason = "the engine is starting"
    page = await browser.get("/ui")
    assert "Not ready, no request is answered: the engine is starting" in page.text
    with service.metrics.time_stage("detection"):
        pass
    assert re.search(r"<dd>\d+\.\d ms</dd>", (await browser.get("/ui")).text)


async def test_the_overview_tells_which_server_enforces_what_is_stored(browser: Browser, service: Service) -> None:
    service.registry.add_many([ADA, Draft(name="Bo")])
    service.registry.add(Draft(name="Cy"))
    at = datetime(2031, 1, 31, tzinfo=UTC)
    service.replicas = [
        Replica(id=name, name=name, version=version, engine="", runner="", started_at=at, lease_s=60, age_s=age)
        for name, version, age in (("one:8000", 2, 1), ("two:8000", 1, 1), ("<b>three:8000", 2, 61))
    ]
    page = html.unescape((await browser.get("/ui")).text)
    states = {
        row[0]: row[2]
        for row in (re.findall("<td[^>]*>(.*?)</td>", row) for row in page.split("<tr>"))
        if len(row) == 4
    }
    assert states == {
        "one:8000": "enforces the stored version",
        "two:8000": "behind the stored version",
        "<b>three:8000": "its lease has ended",
    }


async def test_an_ordinary_page_is_small(browser: Browser, service: Service) -> None:
    targets = service.registry.add_many([Draft(name=f"Person {n:03}", facts=ADA.facts) for n in range(PAGE_ROWS)])
    await browser.post("/ui/targets/reveal", {"shown": [target.id for target in targets]})
    shared = 0
    for name in ("desk.css", "htmx-2.0.11.min.js", "icon.svg"):
        shared += len((await browser.get(f"/ui/static/{name}")).content)
    place = f"/ui/targets/{targets[0].id}"
    for path in ("/ui", "/ui/targets", "/ui/targets/add", place, f"{place}/edit"):
        page = await browser.get(path)
        assert page.status_code == 200
        assert len(page.content) + shared <= 150_000, path
