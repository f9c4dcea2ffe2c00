"""Stored cross-site scripting: whatever a text of a target holds, pages show it and are not changed by it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from html.parser import HTMLParser
from urllib.parse import quote, urlencode

import pytest

from guard.patterns.pattern import Pattern, PatternKind
from guard.registry.keys.key import MAX_NAME_CHARS, Audience, KeyDraft
from guard.registry.outside.cases import Case
from guard.targets.target import Draft, Fact
from guard.targets.validation import MAX_COUNTS
from guard.variants.variant import Variants
from serving.admin.requests import TargetIn
from tests.serving.desk.conftest import Browser, Service

pytestmark = pytest.mark.anyio

CODE = "alert(document.cookie)"
BREAKOUTS = (
    "",
    '"',
    "'",
    "`",
    '">',
    "'>",
    "</textarea>",
    "</title>",
    "</script>",
    "-->",
    "]]>",
    "</select>",
    "&quot;>",
)
VECTORS = (
    f"<script>{CODE}</script>",
    f"<img src=x onerror={CODE}>",
    f"<svg/onload={CODE}>",
    f"<a href=javascript:{CODE}>link",
    f"<iframe srcdoc='<script>{CODE}</script>'>",
    f" onfocus={CODE} autofocus x=",
    f"<div hx-get=/ui hx-trigger=load hx-on:click={CODE}>",
    "<form action=https://evil.example><button>go",
)
OTHERS = (
    *(
        "{{ 7 * 7 }}",
        "{% include 'csrf.html' %}",
        "{{ csrf }}",
        "${7*7}",
        "<%= 7*7 %>",
        "{name.__class__}",
        "%s%n",
        "{0}",
    ),
    *(
        "\u202e<b>right",
        "＜script＞x＜/script＞",
        "<ScRiPt/x>a</sCrIpT>",
        "<meta http-equiv=refresh content='0;url=//evil.example'>",
    ),
    *(
        "<base href=//evil.example>",
        "<style>*{display:none}</style>",
        "<link rel=stylesheet href=//evil.example>",
        "<!--hidden",
    ),
)
PAYLOADS = [*(f"Mothwick{breakout}{vector}" for breakout in BREAKOUTS for vector in VECTORS), *OTHERS]
OWN = ("/ui", "#")


class Page(HTMLParser):
    """Everything in a page that a browser acts upon."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.dangers: list[str] = []
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            leads_away = name in ("href", "src", "action", "formaction", "hx-get", "hx-post") and not (
                value or ""
            ).startswith(OWN)
            if name.startswith(("on", "hx-on", "style", "srcdoc", "autofocus")) or leads_away:
                self.dangers.append(f"{tag} {name}={value}")
            self.texts.append(value or "")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def check(text: str, shown: Iterable[str] = ()) -> None:
    page = Page(text)
    assert page.dangers == []
    assert not page.tags & {"img", "iframe", "a\x0b", "b", "style", "base", "object", "embed"}
    assert text.count("<script") == 1
    assert text.count("<form") == text.count('name="csrf"') + text.count('role="search"')
    whole = "\n".join(page.texts)
    assert [one for one in shown if " ".join(one.split()) not in " ".join(whole.split())] == []


def test_there_are_a_hundred_payloads_of_many_kinds() -> None:
    assert len(set(PAYLOADS)) >= 100


async def test_no_name_becomes_part_of_a_list(browser: Browser, service: Service) -> None:
    targets = service.registry.add_many([Draft(name=f"{n:03} {payload}") for n, payload in enumerate(PAYLOADS)])
    ids = [target.id for target in targets]
    await browser.post("/ui/targets/reveal", {"shown": ids})
    for start in range(0, len(ids), 50):
        after = f"?after={ids[start - 1]}" if start else ""
        page = await browser.get(f"/ui/targets{after}")
        check(page.text, [target.draft.name for target in targets[start : start + 50]])
        confirmation = await browser.post("/ui/targets/revoke", {"chosen": ids[start : start + 50], "back": "/ui"})
        check(confirmation.text, [target.draft.name for target in targets[start : start + 50]])


async def test_no_field_becomes_part_of_a_page_of_its_target(browser: Browser, service: Service) -> None:
    lines = tuple(f"Ada {payload}" for payload in PAYLOADS[::15])
    draft = Draft(
        name=lines[0],
        aliases=lines,
        facts=tuple(Fact(question=line, answer=f"It is called {line}.") for line in lines[::2]),
        passages=lines[:40],
        phrases=lines[::3],
        exceptions=tuple(f"Bo {line}" for line in lines[::3]),
        distinguish=lines[:60],
        variants=Variants.NONE,
        patterns=(Pattern(kind=PatternKind.EMAIL, value="a@quill.example"),),
        basis="<script>basis</script>",
        external_ref='"><img src=x onerror=alert(1)>',
    )
    target = service.registry.add(draft)
    place = f"/ui/targets/{target.id}"
    check((await browser.get(place)).text)
    await browser.post(f"{place}/reveal")
    labels = (draft.basis, draft.external_ref)
    check((await browser.get(place)).text, (*lines, *labels))
    check((await browser.get(f"{place}/edit")).text, (*lines, *labels))
    check((await browser.post(f"{place}/edit", {"name": lines[1], "revision": "9"})).text, (lines[1], lines[0]))


LABELLED = ("basis", "external_ref")
LISTED = ("aliases", "passages", "phrases", "exceptions", "distinguish")
NO_TEXT = {
    *("kind", "variants", "methods", "scope", "mode", "canary", "decoder", "alpha", "filter_rate", "quoted_words"),
    *("supplied", "soft", "shared", "expires_at"),
    # Letters, digits and ._:/- alone.
    "tags",
}


def test_every_text_field_of_a_target_is_among_those_that_are_tested() -> None:
    assert {*LABELLED, *LISTED, "name", "facts", "patterns", *NO_TEXT} == set(TargetIn.model_fields)


@pytest.mark.parametrize("field", LISTED)
async def test_no_payload_in_a_list_of_texts_becomes_part_of_a_page(
    browser: Browser, service: Service, field: str
) -> None:
    lines = tuple(f"Ada {payload}" for payload in PAYLOADS)
    for start in range(0, len(lines), MAX_COUNTS[field]):
        some = lines[start : start + MAX_COUNTS[field]]
        draft = Draft(name=f"Ada Quill {start}", variants=Variants.NONE, **{field: some})  # type: ignore[arg-type]
        await pages_of(browser, service.registry.add(draft).id, some)


async def test_no_payload_in_a_fact_becomes_part_of_a_page(browser: Browser, service: Service) -> None:
    lines = tuple(f"Ada {payload}" for payload in PAYLOADS)
    facts = tuple(Fact(question=line, answer=line) for line in lines)
    target = service.registry.add(Draft(name="Ada Quill", variants=Variants.NONE, facts=facts))
    await pages_of(browser, target.id, lines)


async def test_no_payload_in_a_pattern_becomes_part_of_a_page(browser: Browser, service: Service) -> None:
    values = [re.escape(f"Ada {payload}") for payload in PAYLOADS]
    for start in range(0, len(values), MAX_COUNTS["patterns"]):
        some = values[start : start + MAX_COUNTS["patterns"]]
        patterns = tuple(Pattern(kind=PatternKind.REGEX, value=value) for value in some)
        target = service.registry.add(Draft(name=f"Ada Quill {start}", patterns=patterns))
        await pages_of(browser, target.id, some)


async def test_no_payload_in_a_label_becomes_part_of_a_page(browser: Browser, service: Service) -> None:
    drafts = [Draft(name=f"Ada {n}", **dict.fromkeys(LABELLED, payload)) for n, payload in enumerate(PAYLOADS)]  # type: ignore[arg-type]
    for target in service.registry.add_many(drafts):
        # Labels are not masked.
        check((await browser.get(f"/ui/targets/{target.id}")).text, [target.draft.basis])


async def pages_of(browser: Browser, id: str, shown: Iterable[str]) -> None:
    """Check the pages of a target whose texts are revealed, and its form."""
    await browser.post(f"/ui/targets/{id}/reveal")
    check((await browser.get(f"/ui/targets/{id}")).text, shown)
    check((await browser.get(f"/ui/targets/{id}/edit")).text, shown)


async def test_no_name_becomes_part_of_a_page_of_cases_or_certificates(browser: Browser, service: Service) -> None:
    targets = service.registry.add_many([Draft(name=f"{n:03} {payload}") for n, payload in enumerate(PAYLOADS)])
    now = datetime.now(UTC)
    for target in targets:
        service.registry.cases.put(Case(target_id=target.id, received_at=now, due_at=now))
    ids, names = [target.id for target in targets], [target.draft.name for target in targets]
    await browser.post("/ui/targets/reveal", {"shown": ids})
    shown: list[str] = []
    for start in range(0, len(ids), 50):
        page = (await browser.get(f"/ui/cases?after={start}")).text
        check(page)
        shown.append(page)
        chosen = {"chosen": ids[start : start + 50]}
        check((await browser.post("/ui/certificates/issue", chosen)).text, names[start : start + 50])
    check("\n".join(shown).replace("<script", "", len(shown) - 1), names)


async def test_no_name_of_a_key_becomes_part_of_a_page(browser: Browser, service: Service) -> None:
    names = [f"{n:03} {payload}" for n, payload in enumerate(PAYLOADS) if payload.isprintable()]
    for name in names:
        service.registry.keys.create(KeyDraft(name=name[:MAX_NAME_CHARS], audience=Audience.CLIENT))
    check((await browser.get("/ui/keys")).text, [name[:MAX_NAME_CHARS] for name in names])


@pytest.mark.parametrize("payload", PAYLOADS[::9] + list(OTHERS))
async def test_nothing_that_is_sent_comes_back_as_part_of_a_page(
    browser: Browser, service: Service, payload: str
) -> None:
    target = service.registry.add(Draft(name="Ada"))
    service.matched = payload
    check(
        (await browser.get("/ui/targets?" + urlencode({"q": payload, "kind": payload, "state": payload}))).text,
        [payload],
    )
    names = ("name", "kind", "mode", "alpha", "patterns", "expires_at", "basis", "answer")
    check((await browser.post("/ui/targets/add", dict.fromkeys(names, payload))).text, [payload])
    check((await browser.post(f"/ui/targets/{target.id}/try", {"prompt": payload})).text, [payload])
    check((await browser.get(f"/ui/targets/{quote(payload, safe='')}")).text)
    check((await browser.get("/ui/sign-in?" + urlencode({"next": payload}))).text.replace(" autofocus", ""))
