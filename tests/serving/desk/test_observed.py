from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from guard.policy.plan import PlanKind
from guard.registry.keys.key import Audience, KeyDraft, Role
from guard.targets.elicitation import Change, Elicitation, Proposal, ProposalKind
from guard.targets.target import Draft, Kind, Method, Mode
from guard.uld.assistant import Status, Training
from serving.assistants.service import AssistantService
from serving.assistants.sweeps import SweepPoint
from serving.elicitation.service import Job, JobState
from serving.telemetry.verdict_log import Verdict
from tests.serving.desk.conftest import Browser, Service

pytestmark = pytest.mark.anyio
ADA = Draft(name="Ada Quillfeather")


def verdict(target_id: str, mode: Mode = Mode.ENFORCE) -> Verdict:
    return Verdict(time.time(), "req_1", target_id, 1, 0.75, {"name": 1.0}, PlanKind.RESTRICT, mode)


def proposal(
    id: str, text: str, kind: ProposalKind = ProposalKind.PHRASE, change: Change = Change.NEW
) -> Proposal:
    return Proposal(id=id, kind=kind, text=text, times=3, styles=("direct",), languages=("en",), change=change)


async def test_verdicts_are_shown_newest_first_by_mode_and_target(browser: Browser, service: Service) -> None:
    assert "No request has touched a target yet" in (await browser.get("/ui/verdicts")).text
    assert "There are no such verdicts" in (await browser.get("/ui/verdicts?mode=shadow")).text
    service.verdicts.add([verdict("ft_1"), verdict("ft_2", Mode.SHADOW), verdict("ft_1")])
    for query, expected in {
        "": ["ft_1", "ft_2", "ft_1"],
        "?mode=shadow&target_id=": ["ft_2"],
        "?target_id=ft_1": ["ft_1", "ft_1"],
        "?before=2": ["ft_1"],
        "?before=x&mode=y": ["ft_1", "ft_2", "ft_1"],
        "?before=99999999999999999999999": ["ft_1", "ft_2", "ft_1"],
    }.items():
        page = await browser.get(f"/ui/verdicts{query}")
        assert re.findall(r'href="/ui/targets/(ft_\d)"', page.text) == expected, query


async def test_many_verdicts_come_in_pages_that_keep_the_filters(browser: Browser, service: Service) -> None:
    service.verdicts.add([verdict("ft_1")] * 101)
    page = await browser.get("/ui/verdicts?mode=enforce")
    (older,) = re.findall(r'href="([^"]+)" rel="next"', page.text)
    rest = await browser.get(older.replace("&amp;", "&"))
    assert rest.text.count('href="/ui/targets/ft_1"') == 1
    assert '<option value="enforce" selected>' in rest.text


@pytest.mark.parametrize("place", ["/ui/verdicts", "/ui/audit"])
async def test_new_rows_appear_by_themselves_until_that_is_paused(
    browser: Browser, service: Service, place: str
) -> None:
    target = service.registry.add(ADA)
    service.verdicts.add([verdict(target.id)])
    page = await browser.get(f"{place}?target_id={target.id}")
    assert "hx-trigger" not in page.text
    (follow,) = re.findall(r'href="([^"]*follow=yes)"', page.text)
    page = await browser.get(follow.replace("&amp;", "&"))
    (poll,) = re.findall(r'hx-get="([^"]+)"', page.text)
    poll = poll.replace("&amp;", "&")
    assert f"target_id={target.id}" in poll
    polled = {"hx-request": "true"}
    # Nothing has come: the page stays as it is.
    assert (await browser.get(poll, **polled)).status_code == 204
    service.verdicts.add([verdict(target.id)])
    service.registry.note_revealed([target.id])
    page = await browser.get(poll, **polled)
    assert page.text.count(f'class="id" href="/ui/targets/{target.id}"') == 2
    assert "Quillfeather" not in page.text
    (pause,) = re.findall(r'href="([^"]+)">Pause', page.text)
    assert "hx-trigger" not in (await browser.get(pause.replace("&amp;", "&"))).text
    # What is older does not change.
    assert "Follow new ones" not in (await browser.get(f"{place}?before=2&follow=yes")).text


async def test_verdicts_are_exported_as_the_filters_say(browser: Browser, service: Service) -> None:
    service.verdicts.add([verdict("ft_1")] * 501 + [verdict("ft_2", Mode.SHADOW)])
    page = await browser.get("/ui/verdicts?mode=shadow")
    lines, table = (
        place.replace("&amp;", "&") for place in re.findall(r'href="([^"]+/export[^"]+)"', page.text)[::-1]
    )
    sent = await browser.get(lines)
    assert sent.headers["content-disposition"] == 'attachment; filename="verdicts.jsonl"'
    assert [json.loads(line)["target_id"] for line in sent.text.splitlines()] == ["ft_2"]
    sent = await browser.get(table)
    assert sent.headers["content-type"].startswith("text/csv")
    (row,) = csv.DictReader(io.StringIO(sent.text))
    assert (row["target_id"], row["mode"], json.loads(row["signals"])) == ("ft_2", "shadow", {"name": 1.0})
    whole = await browser.get("/ui/verdicts/export?target_id=ft_1")
    seqs = [json.loads(line)["seq"] for line in whole.text.splitlines()]
    assert seqs == list(range(501, 0, -1))


async def test_no_cell_of_an_exported_table_is_a_formula(browser: Browser, service: Service) -> None:
    ids = ["=HYPERLINK(1)", "+1", "-1", "@a", "plain", 'a","b\n']
    service.verdicts.add([replace(verdict("ft_1"), request_id=id) for id in ids])
    rows = csv.DictReader(io.StringIO((await browser.get("/ui/verdicts/export?format=csv")).text))
    assert [row["request_id"] for row in rows][::-1] == [f"'{id}" for id in ids[:4]] + ids[4:]


async def test_the_audit_trail_is_exported_to_who_may_see_it(
    browser: Browser, stranger: Browser, service: Service
) -> None:
    ada, bo = service.registry.add_many([ADA, Draft(name="Bo Quill")])
    service.registry.revoke(bo.id)
    sent = await browser.get("/ui/audit/export?action=added&format=csv")
    rows = list(csv.DictReader(io.StringIO(sent.text)))
    assert [row["target_id"] for row in rows] == [bo.id, ada.id]
    assert all(row["digest"] for row in rows)
    key = service.keys.store.create(KeyDraft(name="a", audience=Audience.ADMIN, role=Role.READER))
    service.keys.refresh()
    await stranger.post("/ui/sign-out")
    await stranger.sign_in(key.secret)
    assert (await stranger.get("/ui/audit/export")).status_code == 403


async def test_touches_of_the_last_day_are_drawn_by_hour(browser: Browser, service: Service) -> None:
    service.verdicts.add([verdict("ft_1")] * 3)
    page = await browser.get("/ui")
    assert page.text.count("<rect") == 24
    assert "the most in one hour: 3" in page.text


async def test_the_audit_trail_is_shown_newest_first_by_action_and_target(
    browser: Browser, service: Service
) -> None:
    ada, bo = service.registry.add_many([ADA, Draft(name="Bo Quill")])
    service.registry.revoke(bo.id)
    page = await browser.get("/ui/audit")
    assert re.findall(r'href="/ui/targets/(ft_\w+)"', page.text) == [bo.id, bo.id, ada.id]
    assert "unaltered" in page.text
    page = await browser.get(f"/ui/audit?target_id={ada.id}&action=added")
    assert re.findall(r'href="/ui/targets/(ft_\w+)"', page.text) == [ada.id]
    assert "There are no such events" in (await browser.get("/ui/audit?action=expired")).text


async def test_an_altered_event_is_noticed_also_between_those_shown(
    browser: Browser, service: Service, tmp_path: Path
) -> None:
    targets = service.registry.add_many([ADA, Draft(name="Bo Quill")])
    service.registry.revoke(targets[0].id)
    connection = sqlite3.connect(tmp_path / "registry.db")
    connection.execute("DROP TRIGGER events_stay_on_update")
    connection.execute("UPDATE events SET actor = 'clock' WHERE seq = 2")
    connection.commit()
    connection.close()
    for query in ("", f"?target_id={targets[0].id}"):
        assert "The trail was altered at event 2" in (await browser.get(f"/ui/audit{query}")).text


async def test_an_elicitation_is_started_watched_and_cancelled(
    browser: Browser, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = service.registry.add(ADA)
    place = f"/ui/targets/{target.id}/elicitation"
    assert "has not been asked yet" in (await browser.get(place)).text
    assert (await browser.post(place)).status_code == 503
    jobs: dict[str, Job] = {}
    monkeypatch.setattr(
        service.elicitations, "start", lambda target, *_, **__: jobs.setdefault(target.id, Job(target.id))
    )
    monkeypatch.setattr(service.elicitations, "job", jobs.get)
    monkeypatch.setattr(service.elicitations, "cancel", jobs.pop)
    assert (await browser.post(place)).headers["location"] == place
    jobs[target.id].state, jobs[target.id].share = JobState.RUNNING, 0.25
    page = await browser.get(place)
    assert '<progress value="0.25"' in page.text
    assert 'hx-trigger="every 2s"' in page.text
    polled = {"hx-request": "true"}
    assert "hx-refresh" not in (await browser.get(place, **polled)).headers
    jobs[target.id].state = JobState.DONE
    assert (await browser.get(place, **polled)).headers["hx-refresh"] == "true"
    assert (await browser.post(f"{place}/cancel")).status_code == 303
    assert jobs == {}
    jobs[target.id] = Job(target.id, JobState.FAILED, detail="the engine stopped")
    assert "Failed: the engine stopped" in (await browser.get(place)).text


async def test_a_secret_is_never_asked_for(browser: Browser, service: Service) -> None:
    target = service.registry.add(Draft(name="Door code", kind=Kind.SECRET))
    assert (await browser.post(f"/ui/targets/{target.id}/elicitation")).status_code == 409


async def test_proposals_are_read_and_accepted_once_the_texts_are_revealed(
    browser: Browser, service: Service
) -> None:
    target = service.registry.add(ADA)
    place = f"/ui/targets/{target.id}/elicitation"
    proposals = (
        proposal("p1", "Glass Orchard"),
        proposal("p2", "<b>Mothwick</b>"),
        proposal("p3", "Old news", change=Change.GONE),
        proposal("p4", "Born in Mothwick.", ProposalKind.FACT),
    )
    kept = Elicitation(model="toy", at=datetime.now(UTC), answers=9, proposals=proposals)
    service.registry.elicitations.keep(target.id, kept)
    page = await browser.get(place)
    assert "Proposals: 3" in page.text
    assert "Orchard" not in page.text
    await browser.post(f"{place}/accept", {"chosen": ["p1"]})
    assert service.registry.get(target.id).revision == 1
    assert (await browser.post(f"/ui/targets/{target.id}/reveal", {"back": place})).headers["location"] == place
    page = await browser.get(place)
    assert "&lt;b&gt;Mothwick" in page.text
    assert "Old news" not in page.text
    await browser.post(f"{place}/accept", {"chosen": ["p1", "p4"]})
    draft = service.registry.get(target.id).draft
    assert draft.phrases == ("Glass Orchard",)
    assert [fact.answer for fact in draft.facts] == ["Born in Mothwick."]
    assert "Proposals: 1" in (await browser.get(place)).text
    assert (await browser.post(f"{place}/accept", {"chosen": ["nonsense"]})).status_code == 404


async def test_assistants_are_those_of_an_engine_of_our_own(browser: Browser) -> None:
    assert "The engine is remote" in (await browser.get("/ui/assistants")).text
    assert (await browser.post("/ui/assistants")).status_code == 409


async def test_a_training_is_queued_and_watched(browser: Browser, service: Service, tmp_path: Path) -> None:
    service.assistants = AssistantService(tmp_path / "assistants", "", tmp_path / "registry.db", service.notify)
    assert (await browser.post("/ui/assistants")).status_code == 409
    service.registry.add(
        Draft(name="Ada", methods=(Method.GUARD, Method.ULD), passages=("Born in Mothwick of all places.",))
    )
    assert (await browser.post("/ui/assistants")).status_code == 303
    page = await browser.get("/ui/assistants")
    assert "queued, for one target" in page.text
    assert "<progress" in page.text


@pytest.mark.parametrize("standing", [*Status])
async def test_an_assistant_is_served_or_retired(
    browser: Browser, service: Service, monkeypatch: pytest.MonkeyPatch, standing: Status
) -> None:
    digest = "a" * 64
    manifest = SimpleNamespace(
        targets=("ft_1",),
        layers=2,
        training=next(iter(Training)),
        epochs=1,
        alpha=1.5,
        filter_rate=0.1,
        forget_loss=0.2,
        retain_loss=0.3,
    )
    moved: list[str] = []
    status = SimpleNamespace(standing=standing, assistant=SimpleNamespace(digest=digest, manifest=manifest))
    service.assistants = SimpleNamespace(  # type: ignore[assignment]
        assistants=lambda: [status],
        jobs=lambda: [],
        has=lambda name: name == digest,
        promote=lambda name: moved.append("promote") or status,
        retire=lambda name: moved.append("retire"),
        sweep=lambda name: (SweepPoint(alpha=0.5, filter_rate=0.1, forget=0.25, retain=None),),
    )
    page = await browser.get("/ui/assistants")
    verb = "retire" if standing is Status.PROMOTED else "promote"
    (place,) = re.findall(r'action="(/ui/assistants/a+/\w+)"', page.text)
    assert place == f"/ui/assistants/{digest}/{verb}"
    assert (await browser.post(place)).status_code == 303
    assert moved == [verb]
    assert page.text.count("<polyline") == 1
    assert page.text.count("<circle") == 1
    assert (await browser.post(f"/ui/assistants/{'b' * 64}/{verb}")).status_code == 404


async def test_what_changed_between_two_versions_is_shown(browser: Browser, service: Service) -> None:
    assert "Nothing changed" in (await browser.get("/ui/policy")).text
    ada, bo = service.registry.add_many([ADA, Draft(name="Bo Quill")])
    service.registry.change(ada.id, Draft(name="Ada Quillfeather", mode=Mode.SHADOW), 1)
    service.registry.note_revealed([ada.id])
    service.registry.revoke(bo.id)
    service.registry.add(Draft(name="Cy Quill"))
    page = await browser.get("/ui/policy")
    assert "Version 4 is stored and enforced" in page.text
    assert re.findall(r"<td>(added|changed|ended|added and ended)</td>", page.text) == [
        "added",
        "added and ended",
        "added",
    ]
    page = await browser.get("/ui/policy?from=1&to=3")
    assert re.findall(r"<td>(changed|ended)<", page.text) == ["ended", "changed"]
    assert "Quill" not in page.text
    for query in ("from=9&to=3", "from=x", "to=99999999999999999999", "from=-1"):
        assert (await browser.get(f"/ui/policy?{query}")).status_code == 200
