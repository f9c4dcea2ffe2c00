"""Targets in shadow that are enforced for a share of conversations: on every surface, and for no other one."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from guard.detection.detector import Detector
from guard.policy.plan import PlanKind
from guard.registry.keys.key import Audience, KeyDraft
from guard.targets.target import Draft, Fact, Method, Mode, Scope
from guard.text.conversation import message
from serving.planner import Planner
from serving.protocol.refused_fields import CHAT, COMPLETIONS
from tests.serving.test_policy_sets import DECLINE, Site, text_of
from tests.serving.watch.conftest import CountingEngine, FlatEmbedder

pytestmark = pytest.mark.anyio
NAME, CODE = "Orla Quarnwick", "zx4471q"
CONVERSATIONS = 24
VENN = Draft(
    name=NAME,
    facts=(Fact(question="What does she do?", answer="She keeps bees."),),
    mode=Mode.SHADOW,
    canary=0.5,
)
ALWAYS = Draft(name="gate code", phrases=(CODE,), scope=Scope.ALWAYS, mode=Mode.SHADOW, canary=0.5)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path, CountingEngine("It is fine."))
    with closing(site.registry):
        yield site


async def sides(
    site: Site, said: str, *, route: str = CHAT, stream: bool = False, name: str = "all"
) -> list[bool]:
    """Whether `said`, which the engine says, reaches the client, conversation by conversation."""
    found = []
    for number in range(CONVERSATIONS):
        site.engine.scripts = [f"Now: {said}.", "Somebody else."]
        asked = f"Question {number}?"
        found.append(said in text_of(await site.ask(name, asked, route, stream=stream)))
    return found


@pytest.mark.parametrize("route", [CHAT, COMPLETIONS])
@pytest.mark.parametrize("draft", [VENN, ALWAYS], ids=["contextual", "always"])
async def test_a_share_of_conversations_never_hears_it_and_the_others_do(
    site: Site, draft: Draft, route: str
) -> None:
    site.enforce(draft)
    said = NAME if draft is VENN else CODE
    whole = await sides(site, said, route=route)
    assert {True, False} == set(whole)
    assert await sides(site, said, route=route, stream=True) == whole
    assert await sides(site, said, route=route) == whole


async def test_a_later_turn_is_on_the_side_of_the_first(site: Site) -> None:
    site.enforce(VENN)
    first = await sides(site, NAME)
    later = []
    for number in range(CONVERSATIONS):
        site.engine.scripts = [f"Now: {NAME}.", "Somebody else."]
        turns = [
            ("system", "Be brief."),
            ("user", f"Question {number}?"),
            ("assistant", "Yes."),
            ("user", "More?"),
        ]
        messages = [{"role": role, "content": text} for role, text in turns]
        later.append(NAME in text_of(await site.ask("all", messages=messages)))
    assert later == first


@pytest.mark.parametrize("tools", [False, True], ids=["user", "tools alone"])
async def test_what_is_beside_the_words_of_a_turn_changes_no_side(site: Site, tools: bool) -> None:
    site.enforce(VENN)

    async def heard(*turns: dict[str, Any], **more: Any) -> bool:
        site.engine.scripts = [f"Now: {NAME}.", "Somebody else."]
        return NAME in text_of(await site.ask("all", messages=list(turns), **more))

    found = []
    for number in range(CONVERSATIONS):
        words = {"type": "text", "text": f"Question {number}?"}
        marked = {**words, "cache_control": {"type": "ephemeral"}}
        role = "system" if tools else "user"
        call = {"id": f"call_{number}", "type": "function", "function": {"name": "look", "arguments": "{}"}}
        later = [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call["id"], "content": "Fine."},
        ]
        first = await heard({"role": role, "content": [marked]})
        found.append(first)
        assert await heard({"role": role, "content": f"Question {number}?"}, *later) == first
        assert (
            await heard({"role": role, "content": [words], "name": "bo"}, documents=[{"text": "A page."}]) == first
        )
    assert {True, False} == set(found)


async def test_the_side_that_may_send_media_is_the_one_that_is_answered(site: Site) -> None:
    site.enforce(VENN)
    file = {"type": "file", "file": {"filename": "a.bin", "file_data": "AAEC"}}
    refused, answered = [], await sides(site, NAME)
    for number in range(CONVERSATIONS):
        site.engine.scripts = [f"Now: {NAME}."]
        parts = [{"type": "text", "text": f"Question {number}?"}, file]
        response = await site.ask("all", messages=[{"role": "user", "content": parts}])
        refused.append(response.status_code == 400)
        assert refused[-1] or NAME in text_of(response)
    assert [not one for one in refused] == answered


async def test_a_declined_target_is_declined_in_its_share(site: Site) -> None:
    site.enforce(replace(VENN, methods=(Method.DECLINE,)))
    answers = set()
    for number in range(CONVERSATIONS):
        site.engine.scripts = ["Somebody from Ost."]
        answers.add(text_of(await site.ask("all", f"{number}: who is {NAME}?")))
    assert answers == {DECLINE, "Somebody from Ost."}


async def test_each_key_has_sides_of_its_own(site: Site) -> None:
    another = site.registry.keys.create(KeyDraft(name="another", audience=Audience.CLIENT))
    site.secrets["another"] = another.secret
    site.ring.refresh()
    site.enforce(VENN)
    assert await sides(site, NAME) != await sides(site, NAME, name="another")


async def test_a_canary_of_a_policy_set_is_none_of_another_one(site: Site) -> None:
    site.enforce(replace(VENN, tags=("eu",)))
    assert {True, False} == set(await sides(site, NAME, name="eu"))
    assert {True} == set(await sides(site, NAME, name="staff"))


async def test_nothing_of_a_share_stays_in_memory_once_its_target_has_ended(site: Site) -> None:
    (venn,) = site.registry.add_many([replace(VENN, canary=0.999)])
    site.enforce()
    planner = Planner(site.current, Detector(FlatEmbedder()))
    planned = await planner.plan([message("user", "Who?")])
    assert planned.policy is not None
    assert planned.policy.sharing == {venn.id}
    assert not planner.enforces_contextual()
    kept = weakref.ref(planned.policy.targets)
    del planned
    assert kept() is not None
    site.registry.revoke(venn.id)
    # With another one, for which the same thread is used again.
    site.enforce(Draft(name="Brisa Tannerfold"))
    await planner.plan([message("user", "Who?")])
    assert kept() is None


async def test_a_larger_share_takes_in_the_smaller_and_promotion_takes_in_all(site: Site) -> None:
    (target,) = site.registry.add_many([replace(VENN, canary=0.2)])
    site.enforce()
    heard = [await sides(site, NAME)]
    for revision, draft in enumerate(
        (replace(VENN, canary=0.6), replace(VENN, mode=Mode.ENFORCE, canary=None)), 1
    ):
        site.registry.change(target.id, draft, revision)
        site.enforce()
        heard.append(await sides(site, NAME))
    for smaller, larger in pairwise(heard):
        assert all(before or not after for before, after in zip(smaller, larger, strict=True))
    assert sum(heard[0]) > sum(heard[1]) > sum(heard[2]) == 0


@pytest.mark.parametrize("tags", [frozenset[str](), frozenset({"eu"})])
async def test_either_side_can_be_planned_for_whatever_the_share(site: Site, tags: frozenset[str]) -> None:
    site.enforce(replace(VENN, tags=("eu",)), replace(VENN, name="Brisa Tannerfold", tags=("staff",)))
    planner = Planner(site.current, Detector(FlatEmbedder()), sets=site.compiler.policy_sets).under(tags)
    for enforced, kind, mode in ((True, PlanKind.RESTRICT, Mode.ENFORCE), (False, PlanKind.PASS, Mode.SHADOW)):
        for number in range(8):
            asked = [message("user", f"{number}: who is {NAME}, and who Brisa Tannerfold?")]
            plan = (await planner.plan_on_side(asked, enforced=enforced)).plan
            assert (plan.kind, {match.mode for match in plan.matches}) == (kind, {mode})
            assert len(plan.matches) == (1 if tags else 2)
