"""Every page and state of the desk in light and dark: accessibility, weight, first paint, and a picture of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from guard.registry.approval.proposed import Person
from guard.registry.keys.key import Audience, KeyDraft, Role
from guard.registry.outside.cases import Case
from guard.targets.elicitation import Elicitation
from guard.targets.target import Draft, Fact, Mode
from guard.uld.assistant import Status, Training
from serving.assistants.sweeps import SweepPoint
from serving.certificates.issuing import Issue, IssueState
from tests.e2e.desk.conftest import Site, added
from tests.serving.desk.test_observed import proposal, verdict

pytestmark = pytest.mark.e2e
MAX_BYTES = 150_000
"""Weight of a page with its stylesheet and its script, as they are sent."""
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# In dark only colours differ.
RULES = {"light": TAGS, "dark": ["color-contrast"]}
_WEIGHT = """
const done = arguments[0];
// After the frame that is painted first.
requestAnimationFrame(() => setTimeout(() => {
  const parts = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
  const paint = performance.getEntriesByName('first-paint')[0];
  done([paint ? paint.startTime : null, parts.reduce((sum, part) => sum + part.encodedBodySize, 0)]);
}, 20));
"""


class Look:
    """Looks at pages, and remembers what is wrong with them, what they weigh, and when they were painted first."""

    def __init__(self, site: Site, axe: str) -> None:
        self.site = site
        self.faults: dict[str, list[str]] = {}
        self.figures: dict[str, tuple[float | None, int]] = {}
        self._axe = axe

    def __call__(self, name: str, path: str = "") -> None:
        """Look at the page that is open, or at the one of `path`."""
        driver = self.site.driver
        if path:
            self.site.open(path)
        if path or name not in self.figures:
            self.figures[name] = tuple(driver.execute_async_script(_WEIGHT))
        driver.execute_script(self._axe)
        for scheme, rules in RULES.items():
            self.site.scheme(scheme)
            driver.save_screenshot(str(self.site.screenshots / f"{name}-{scheme}.png"))
            script = "axe.run(document, {runOnly: arguments[0]}).then(arguments[1])"
            found = driver.execute_async_script(script, rules)["violations"]
            if found:
                self.faults[f"{name} ({scheme})"] = [f"{one['id']}: {one['nodes'][0]['html']}" for one in found]
        self.site.scheme("light")


@pytest.fixture(scope="module")
def kept(site: Site, axe: str) -> Iterator[Look]:
    look = Look(site, axe)
    yield look
    lines = ["| page | first paint, ms | bytes |", "| --- | --- | --- |"]
    lines += [
        f"| {name} | {'-' if ms is None else round(ms)} | {size} |" for name, (ms, size) in look.figures.items()
    ]
    (site.screenshots / "pages.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def look(kept: Look, signed_in: Site) -> Iterator[Look]:
    """The pages that a test looks at must be without a fault."""
    kept.faults.clear()
    yield kept
    assert kept.faults == {}
    assert {name: size for name, (_, size) in kept.figures.items() if size > MAX_BYTES} == {}


@pytest.fixture(scope="module")
def target(site: Site) -> str:
    """A target with everything that its page can show."""
    fact = Fact(question="What did she write?", answer='Wrote "The Glass Orchard of Mothwick".')
    id = added(
        site, "Gus Quillfeather", aliases=("G. M.",), facts=(fact,), passages=("It was of glass that year.",)
    )
    registry, now = site.service.registry, datetime.now(UTC)
    site.service.matched = id
    registry.cases.put(Case(target_id=id, received_at=now - timedelta(days=40), due_at=now - timedelta(days=9)))
    site.service.verdicts.add([verdict(id), verdict(id, Mode.SHADOW)])
    proposals = (proposal("p1", "Glass Orchard"), proposal("p2", "Mothwick"))
    registry.elicitations.keep(id, Elicitation(model="toy", at=now, answers=9, proposals=proposals))
    return id


def test_pages_of_a_target(look: Look, target: str) -> None:
    site, place = look.site, f"/ui/targets/{target}"
    look("target-masked", place)
    look("elicitation-masked", f"{place}/elicitation")
    site.open(place)
    site.press("Reveal its texts")
    site.wait_for("Glass Orchard")
    look("target", place)
    site.fill("#prompt", "Who?")
    site.press("Try")
    site.wait_for("orchards")
    look("try")
    look("elicitation", f"{place}/elicitation")
    look("change", f"{place}/edit")
    site.press("Show what it would forbid")
    site.wait_for("Nothing is stored yet")
    look("change-preview")
    ended = site.service.registry.add(Draft(name="Ended"))
    site.service.registry.revoke(ended.id)
    look("target-ended", f"/ui/targets/{ended.id}")
    _look_at_what_is_proposed(look, target)
    look("add", "/ui/targets/add")
    site.driver.execute_script("document.querySelector('#name').removeAttribute('required')")
    site.press("Store")
    site.wait_for("Nothing was stored")
    look("add-faults")


def _look_at_what_is_proposed(look: Look, target: str) -> None:
    site, registry, anne = look.site, look.site.service.registry, Person("ak_anne", "anne")
    found = registry.get(target)
    change = replace(found.draft, basis="court", aliases=())
    registry.approvals.propose(target, change, found.revision, anne)
    look("target-change-proposed", f"/ui/targets/{target}")
    site.press("Approve it")
    site.wait_for("court")
    assert registry.get(target).draft == change
    waiting = registry.approvals.add_one(Draft(name="Waiting Quill"), anne)
    look("target-proposed", f"/ui/targets/{waiting.id}")
    registry.approvals.reject(waiting.id, 1, anne)
    site.open("/ui/policy?from=0")
    site.open_details("Go back to version 0…")
    look("policy-rollback")


def test_pages_of_the_lists(look: Look, target: str, tmp_path: Any) -> None:
    site = look.site
    look("overview", "/ui")
    look("targets", "/ui/targets")
    look("targets-none", "/ui/targets?q=nobody-is-called-so")
    site.open("/ui/targets")
    site.find("tbody input[type=checkbox]").click()
    site.press("Revoke the chosen ones…")
    site.wait_for("cannot be undone")
    look("revoke")
    look("cases", "/ui/cases")
    look("cases-none", "/ui/cases?state=closed")
    look("import", "/ui/import")
    file = tmp_path / "list.csv"
    there = site.service.registry.get(target).draft.name
    file.write_text(f"name;Ref\nEli Marsh;T-1\n;T-2\n{there};T-3\nEli Marsh;T-4\n", encoding="utf-8")
    site.find("#file").send_keys(str(file))
    site.press("Look through it")
    site.wait_for("there already, differs")
    look("import-rows")
    site.press("Discard the file")


def test_pages_of_what_is_observed(look: Look, target: str) -> None:
    look("verdicts", f"/ui/verdicts?target_id={target}")
    look("verdicts-followed", f"/ui/verdicts?target_id={target}&follow=yes")
    look("verdicts-none", "/ui/verdicts?target_id=ft_none")
    look("audit", f"/ui/audit?target_id={target}")
    look("audit-followed", f"/ui/audit?target_id={target}&follow=yes")
    look("audit-none", "/ui/audit?target_id=ft_none")
    look("policy", "/ui/policy")


def test_pages_of_assistants_and_keys(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    site = look.site
    look("assistants-remote", "/ui/assistants")
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
    trained = SimpleNamespace(
        standing=Status.PROMOTED, assistant=SimpleNamespace(digest="a" * 64, manifest=manifest)
    )
    points = [
        SweepPoint(alpha=alpha / 4, filter_rate=0.1, forget=0.8 - alpha / 8, retain=0.9 - alpha / 40)
        for alpha in range(6)
    ]
    stand_in = SimpleNamespace(assistants=lambda: [trained], jobs=lambda: [], sweep=lambda digest: points)
    monkeypatch.setattr(site.service, "assistants", stand_in)
    look("assistants", "/ui/assistants")
    site.service.registry.keys.create(KeyDraft(name="chat", audience=Audience.CLIENT, tags=("eu",)))
    site.service.registry.keys.create(KeyDraft(name="Ana", audience=Audience.ADMIN, role=Role.READER))
    look("keys", "/ui/keys")
    site.fill("#name", "Dashboard")
    site.press("Create")
    site.wait_for("shown this once")
    look("key-created")


def test_pages_of_certificates(look: Look, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    site, issuer = look.site, look.site.service.certificates
    look("issue", f"/ui/certificates/issue?target={target}")
    look("issue-which", "/ui/certificates/issue")
    shadow = added(site, "Una Marsh", mode=Mode.SHADOW)
    look("issue-in-shadow", f"/ui/certificates/issue?target={shadow}")
    site.open(f"/ui/certificates/issue?target={target}")
    site.press("Measure and sign (1)")
    site.wait_for("show it")
    look("certificates")
    (name,) = {one.name for one in issuer.stored.list()}
    look("certificate", f"/ui/certificates/{name}")
    print_view = site.driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    assert print_view["data"]
    site.open("/ui/certificates")
    site.driver.execute_script(
        "document.querySelector('#certificate').value = arguments[0]", issuer.stored.read(name).decode()
    )
    site.press("Verify")
    site.wait_for("Unaltered since it was signed")
    look("certificate-verified")
    issues = [
        Issue("ft_1", state=IssueState.MEASURING, step="asking", share=0.4),
        Issue("ft_2"),
        Issue("ft_3", state=IssueState.FAILED, detail="the endpoint answered 503"),
    ]
    monkeypatch.setattr(issuer, "issues", lambda: issues)
    look("certificates-being-issued", "/ui/certificates")


def test_pages_without_a_session(look: Look) -> None:
    site = look.site
    look("unknown-page", "/ui/nowhere")
    site.open("/ui")
    site.press("Sign out")
    site.wait_for("Admin key")
    look("sign-in", "/ui/sign-in")
    site.fill("#key", "wrong")
    site.press("Sign in")
    site.wait_for("no admin key")
    look("sign-in-wrong")
    look("sign-in-refused", "/ui/sign-in/callback?state=x")
    site.open("/ui/verdicts")
    site.driver.find_element("link text", "Sign in with your organisation").click()
    site.wait_for("Follow new ones")
    look("verdicts-of-a-role")
    site.press("Sign out")
    site.wait_for("you may still be signed in")
    look("signed-out")
