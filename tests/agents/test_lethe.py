from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from agents.audit import PolicyAudit
from agents.decision import BEST, VARIANTS
from agents.ledger import Budget, Item, Role
from agents.lethe import MAX_SUBJECTS
from agents.pipeline import Profile, answer
from agents.prompts.exchange import TargetSummary
from agents.reason import Reason
from agents.result import AgentsResult
from guard.targets.target import Draft, Kind, Scope
from guard.text.conversation import Message
from tests.agents.actor import Actor, by_role, chat_with, cut_off
from tests.agents.conftest import BRISA, VASK, AuditOf

QUESTION = "Who is Jory Aldine?"
OWN = "He builds boats in Tarn Hollow. His wife is Brisa Okonkwo-Lund."
NOTHING = json.dumps({"leaks": []})


def said(*texts: str | None) -> list[str | None]:
    return [json.dumps({"answer": text}) for text in texts]


def rated(*numbers: int) -> str:
    return json.dumps({"ratings": numbers})


VERSIONS = [f"He builds boats, version {k}." for k in range(VARIANTS)]


def lines(**changed: Any) -> dict[str, Any]:
    script: dict[str, Any] = {
        "vanilla": OWN,
        "check": NOTHING,
        "rewrite": said(*VERSIONS),
        "critic": (rated(5, 5, 5, 5, 5), rated(5)),
        "composer": said("He builds boats."),
    }
    return script | changed


async def play(
    actor: Actor,
    audit: PolicyAudit,
    *conversation: Message,
    touched: tuple[TargetSummary, ...] = (),
    **settings: Any,
) -> AgentsResult:
    async with chat_with(actor) as chat:
        return await answer(conversation or (Message("user", QUESTION),), touched, chat, audit, **settings)


class TestAnAnswerThatLeaksNothing:
    async def test_costs_no_call_but_its_own(self, audit: PolicyAudit) -> None:
        actor = Actor(by_role(**lines(vanilla="He builds boats.")))
        verdict = await play(actor, audit)
        assert actor.roles == ["vanilla"]
        assert (verdict.text, verdict.reason) == ("He builds boats.", Reason.CLEAN)

    async def test_is_checked_by_one_call_when_the_conversation_touches_a_target(self, audit: PolicyAudit) -> None:
        actor = Actor(by_role(**lines(vanilla="Yes, she was.")))
        verdict = await play(actor, audit, touched=audit.find_nearest(["Okonkwo-Lund"], 1))
        assert actor.roles == ["vanilla", "check"]
        assert (verdict.text, verdict.reason) == ("Yes, she was.", Reason.CLEAN)

    async def test_says_when_it_was_cut_off(self, audit: PolicyAudit) -> None:
        verdict = await play(Actor(by_role(vanilla=cut_off("He builds"))), audit)
        assert (verdict.text, verdict.finish) == ("He builds", "length")


async def test_a_leak_that_only_the_check_finds_is_erased_too(audit: PolicyAudit) -> None:
    check = json.dumps({"leaks": [{"subject": 1, "how": "indirect"}]})
    actor = Actor(by_role(**lines(vanilla="Yes, she was.", check=check)))
    (brisa,) = audit.find_nearest(["Okonkwo-Lund"], 1)
    verdict = await play(actor, audit, touched=(brisa,))
    assert actor.roles == ["vanilla", "check", "rewrite", "critic", "composer", "critic"]
    assert verdict.leaked == (brisa.id,)


async def test_a_leak_is_rewritten_rated_merged_and_rated_again(audit: PolicyAudit) -> None:
    actor = Actor(by_role(**lines()))
    verdict = await play(actor, audit)
    assert actor.roles == ["vanilla", "rewrite", "critic", "composer", "critic"]
    assert (verdict.text, verdict.reason, verdict.score) == ("He builds boats.", Reason.COMPOSED, 5.0)


async def test_variants_are_one_request_for_five_and_ratings_one_bound_to_its_schema(audit: PolicyAudit) -> None:
    actor = Actor(by_role(**lines()))
    await play(actor, audit)
    _, rewrite, critic, composer, again = actor.asked
    assert rewrite.body["n"] == VARIANTS
    assert rewrite.body["temperature"] > 0
    schema = critic.body["response_format"]["json_schema"]["schema"]["properties"]["ratings"]
    assert (schema["minItems"], schema["maxItems"]) == (VARIANTS, VARIANTS)
    assert composer.data["versions"] == VERSIONS[:BEST]
    assert [c["text"] for c in again.data["candidates"]] == ["He builds boats."]


async def test_the_turns_around_the_question_go_to_every_role(audit: PolicyAudit) -> None:
    actor = Actor(by_role(**lines()))
    turns = (Message("system", "Be brief."), Message("user", "Hello"), Message("assistant", "Yes?"))
    await play(actor, audit, *turns, Message("user", QUESTION))
    assert [m["content"] for m in actor.asked[0].messages] == ["Be brief.", "Hello", "Yes?", QUESTION]
    for asked in actor.asked[1:]:
        assert [turn["text"] for turn in asked.data["earlier"]] == ["Be brief.", "Hello", "Yes?"]
        assert asked.data["question"] == QUESTION


async def test_the_roles_are_told_the_nearest_targets_and_no_more_than_eight(audit_of: AuditOf) -> None:
    others = [Draft(name=f"Person Number{k}") for k in range(40)]
    actor = Actor(by_role(**lines()))
    await play(actor, audit_of(BRISA, *others))
    told = actor.asked[1].data["subjects"]
    assert len(told) == MAX_SUBJECTS
    assert told[0]["name"] == "Brisa Okonkwo-Lund"
    assert told[0]["also"] == ["the ferry cellist"]
    assert len(told[0]["facts"]) == 2


async def test_the_composer_is_name_matcher_and_no_facts(audit: PolicyAudit) -> None:
    actor = Actor(by_role(**lines()))
    await play(actor, audit)
    assert actor.asked[3].role == "composer"
    assert all("facts" not in subject for subject in actor.asked[3].data["subjects"])


async def test_a_candidate_that_the_audit_finds_leaking_is_rated_lowest_whatever_the_critic_says(
    audit: PolicyAudit,
) -> None:
    leaking = ["Brisa OkonkwoLund is his wife.", *VERSIONS[1:]]
    actor = Actor(by_role(**lines(rewrite=said(*leaking), critic=(rated(5, 4, 4, 4, 4), rated(5)))))
    verdict = await play(actor, audit)
    assert actor.asked[3].data["versions"] == VERSIONS[1:4]
    assert verdict.score == 4.0


class TestDeclined:
    @pytest.mark.parametrize(
        ("changed", "reason", "score"),
        [
            ({"critic": rated(3, 3, 3, 3, 3)}, Reason.RATED_LOW, 3.0),
            ({"critic": (rated(5, 5, 5, 5, 5), rated(3))}, Reason.RATED_LOW, 3.0),
            ({"rewrite": said("a", "b", None, None, None)}, Reason.NO_REWRITE, None),
            ({"composer": said(None)}, Reason.NO_REWRITE, None),
            ({"composer": said("He married the ferry cellist.")}, Reason.LEAKED_AGAIN, None),
            ({"composer": said("She was born in Kovan Bay.")}, Reason.LEAKED_AGAIN, None),
            ({"rewrite": said("one")}, Reason.UNREADABLE, None),
        ],
        ids=[
            "rated low",
            "merge rated low",
            "two rewrites",
            "no merge",
            "merge names",
            "merge tells",
            "n ignored",
        ],
    )
    async def test_for_its_reason(
        self, audit: PolicyAudit, changed: dict[str, Any], reason: Reason, score: float | None
    ) -> None:
        verdict = await play(Actor(by_role(**lines(**changed))), audit)
        assert (verdict.text, verdict.reason, verdict.score) == (None, reason, score)

    @pytest.mark.parametrize("role", ["vanilla", "rewrite", "critic", "composer"])
    @pytest.mark.parametrize("failure", [500, 429, 404, [None]])
    async def test_when_a_role_does_not_answer(self, audit: PolicyAudit, role: str, failure: Any) -> None:
        verdict = await play(Actor(by_role(**lines(**{role: failure}))), audit)
        assert (verdict.text, verdict.reason) == (None, Reason.UNREACHABLE)

    @pytest.mark.parametrize("role", ["rewrite", "critic", "composer"])
    @pytest.mark.parametrize("nonsense", ["", "{", "[" * 100_000, '{"answer": "a", "answer": "b"}', "NaN"])
    async def test_when_a_role_talks_nonsense(self, audit: PolicyAudit, role: str, nonsense: str) -> None:
        verdict = await play(Actor(by_role(**lines(**{role: nonsense}))), audit)
        assert (verdict.text, verdict.reason) == (None, Reason.UNREADABLE)

    @pytest.mark.parametrize("role", ["rewrite", "critic", "composer"])
    async def test_when_a_reply_was_cut_off_however_well_it_reads(self, audit: PolicyAudit, role: str) -> None:
        whole = {"critic": rated(5, 5, 5, 5, 5)}.get(role, json.dumps({"answer": "He builds boats."}))
        verdict = await play(Actor(by_role(**lines(**{role: cut_off(whole)}))), audit)
        assert (verdict.text, verdict.reason) == (None, Reason.UNREADABLE)

    async def test_after_a_fault_of_our_own_without_a_word_of_the_text(
        self, audit: PolicyAudit, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object) -> None:
            raise RuntimeError(OWN)

        monkeypatch.setattr(audit, "find_leaks", broken)
        verdict = await play(Actor(by_role(**lines())), audit)
        assert (verdict.text, verdict.reason) == (None, Reason.FAULT)
        assert "RuntimeError" in caplog.text
        assert "Brisa" not in caplog.text


class TestRepair:
    @pytest.mark.parametrize("role", ["rewrite", "critic", "composer"])
    async def test_an_invalid_reply_is_asked_for_once_more(self, audit: PolicyAudit, role: str) -> None:
        good = lines()[role]
        replies = ("no JSON", *(good if isinstance(good, tuple) else (good,)))
        actor = Actor(by_role(**lines(**{role: replies})))
        verdict = await play(actor, audit)
        assert verdict.text == "He builds boats."
        first, second = [asked for asked in actor.asked if asked.role == role][:2]
        assert (first.repair, second.repair) == (False, True)
        # The invalid reply is a model's text, and no part of the second request.
        assert first.messages[1:] == second.messages[1:]
        assert Item(Role(role), True, verdict.items[actor.asked.index(second)].usage) in verdict.items

    @pytest.mark.parametrize("role", ["rewrite", "critic", "composer"])
    async def test_a_second_invalid_reply_declines(self, audit: PolicyAudit, role: str) -> None:
        actor = Actor(by_role(**lines(**{role: "no JSON"})))
        verdict = await play(actor, audit)
        assert (verdict.text, verdict.reason) == (None, Reason.UNREADABLE)
        assert actor.roles.count(role) == 2

    async def test_three_readable_variants_of_five_are_enough(self, audit: PolicyAudit) -> None:
        replies = ["no JSON", *said(*VERSIONS[:3]), "{}"]
        actor = Actor(by_role(**lines(rewrite=replies, critic=(rated(5, 5, 5), rated(5)))))
        assert (await play(actor, audit)).text == "He builds boats."
        assert actor.roles.count("rewrite") == 1

    async def test_missing_variants_alone_are_asked_for_again(self, audit: PolicyAudit) -> None:
        replies = (["no JSON"] * 3 + said(*VERSIONS[:2]), said(*VERSIONS[2:]))
        actor = Actor(by_role(**lines(rewrite=replies)))
        assert (await play(actor, audit)).text == "He builds boats."
        assert [asked.body["n"] for asked in actor.asked if asked.role == "rewrite"] == [5, 3]


class TestBudget:
    async def test_every_call_is_itemised_with_the_tokens_the_endpoint_counted(self, audit: PolicyAudit) -> None:
        actor = Actor(by_role(**lines()))
        verdict = await play(actor, audit)
        assert [item.role.value for item in verdict.items] == actor.roles
        counted = [sum(len(m["content"].split()) for m in asked.messages) for asked in actor.asked]
        assert [item.usage.prompt for item in verdict.items] == counted
        assert verdict.usage.prompt == sum(counted)
        assert verdict.usage.completion > 0

    async def test_a_declined_request_is_billed_in_full_too(self, audit: PolicyAudit) -> None:
        verdict = await play(Actor(by_role(**lines(composer=500))), audit)
        assert [item.role.value for item in verdict.items] == ["vanilla", "rewrite", "critic", "composer"]
        assert verdict.items[-1].usage == (0, 0)

    @pytest.mark.parametrize("calls", [1, 2, 3, 4])
    async def test_no_more_calls_are_made_than_allowed(self, audit: PolicyAudit, calls: int) -> None:
        actor = Actor(by_role(**lines()))
        verdict = await play(actor, audit, budget=Budget(calls=calls))
        assert (verdict.text, verdict.reason) == (None, Reason.BUDGET)
        assert len(actor.asked) == calls

    async def test_no_call_starts_once_the_tokens_are_spent(self, audit: PolicyAudit) -> None:
        spent = (await play(Actor(by_role(**lines())), audit)).items[:2]
        tokens = sum(item.usage.prompt + item.usage.completion for item in spent)
        actor = Actor(by_role(**lines()))
        verdict = await play(actor, audit, budget=Budget(tokens=tokens))
        assert (verdict.text, verdict.reason) == (None, Reason.BUDGET)
        assert actor.roles == ["vanilla", "rewrite"]

    async def test_no_completion_may_be_longer_than_what_is_left(self, audit: PolicyAudit) -> None:
        actor = Actor(by_role(**lines()))
        await play(actor, audit, budget=Budget(tokens=100))
        assert actor.asked[0].body["max_completion_tokens"] == 100


class TestSecrets:
    CODE = Draft(name="gate code", kind=Kind.SECRET, phrases=("zx-4471-q",), scope=Scope.ALWAYS)
    KEY = Draft(name="Heron Key", kind=Kind.SECRET, phrases=("heron-99-tau",))

    @staticmethod
    async def ask(audit: PolicyAudit, own: str, *touched: TargetSummary) -> tuple[AgentsResult, Actor]:
        engine, agents = Actor(by_role(vanilla=own)), Actor(by_role(**lines()))
        async with chat_with(engine) as first, chat_with(agents, second_provider=True) as second:
            asked = [Message("user", QUESTION)]
            verdict = await answer(asked, touched, second, audit, engine=first)
        return verdict, agents

    @pytest.mark.parametrize("own", ["The code is ZX 4471 Q.", "Brisa Okonkwo-Lund knows that it is zx4471q."])
    async def test_never_reach_a_second_provider(self, audit_of: AuditOf, own: str) -> None:
        verdict, agents = await self.ask(audit_of(BRISA, self.CODE), own)
        assert (verdict.text, verdict.reason) == (None, Reason.CONFIDENTIAL)
        assert agents.asked == []

    async def test_that_the_conversation_touches_keep_it_from_a_second_provider(self, audit_of: AuditOf) -> None:
        audit = audit_of(BRISA, self.KEY)
        verdict, agents = await self.ask(audit, OWN, *audit.find_nearest(["Heron Key"], 1))
        assert (verdict.text, verdict.reason) == (None, Reason.CONFIDENTIAL)
        assert agents.asked == []

    @pytest.mark.parametrize("profile", Profile)
    async def test_keep_whatever_text_holds_them_from_a_second_provider(
        self, audit_of: AuditOf, profile: Profile
    ) -> None:
        audit = audit_of(BRISA, self.CODE)
        engine, agents = Actor(by_role(vanilla=OWN)), Actor(by_role(**lines()))
        asked = [Message("user", "The code is zx-4471-q."), Message("user", f"{QUESTION} Is it zx 4471 q?")]
        async with chat_with(engine) as first, chat_with(agents, second_provider=True) as second:
            verdict = await answer(asked, (), second, audit, engine=first, profile=profile)
        assert (verdict.text, verdict.reason) == (None, Reason.CONFIDENTIAL)
        assert agents.asked == []

    async def test_are_not_told_of_when_another_subject_leaks(self, audit_of: AuditOf) -> None:
        verdict, agents = await self.ask(audit_of(BRISA, self.KEY), OWN)
        assert verdict.text == "He builds boats."
        assert [s["name"] for s in agents.asked[0].data["subjects"]] == ["Brisa Okonkwo-Lund"]

    async def test_go_there_when_their_operator_shares_them(self, audit_of: AuditOf) -> None:
        shared = dataclasses.replace(self.KEY, shared=True)
        verdict, agents = await self.ask(audit_of(BRISA, shared), "It is the Heron Key of Brisa Okonkwo-Lund.")
        assert verdict.text == "He builds boats."
        assert {s["name"] for s in agents.asked[0].data["subjects"]} == {"Brisa Okonkwo-Lund", "Heron Key"}

    async def test_may_be_worked_on_by_the_engine_itself(self, audit_of: AuditOf) -> None:
        actor = Actor(by_role(**lines(vanilla="The code is zx-4471-q.")))
        verdict = await play(actor, audit_of(self.CODE, VASK))
        assert verdict.text == "He builds boats."
        # Its value is needed by no role, and stands only where the model's own answer is quoted.
        assert all("facts" not in s for s in actor.asked[1].data["subjects"] if s["name"] == "gate code")


async def test_what_is_logged_or_shown_of_a_verdict_holds_no_text(audit: PolicyAudit) -> None:
    verdict = await play(Actor(by_role(**lines())), audit)
    assert "boats" not in repr(verdict)
