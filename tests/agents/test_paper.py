"""The published pipeline case by case, against scripted replies: same sequence, arguments, ranking, threshold and
outputs; and where the published code lets something through, a decline."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agents.audit import PolicyAudit
from agents.decision import VARIANTS
from agents.pipeline import Profile, answer
from agents.prompts.exchange import TargetSummary
from agents.prompts.prompt import load_prompt
from agents.reason import Reason
from agents.result import AgentsResult
from guard.text.conversation import Message
from tests.agents.actor import Actor, by_role, chat_with

QUESTION = "Who is Jory Aldine?"
OWN = "Jory Aldine builds boats and is the husband of Brisa Okonkwo-Lund."
VERSIONS = [f"He builds boats, version {k}." for k in range(VARIANTS)]
MAX_SUBJECTS = [TargetSummary("t1", "Teodor Vask"), TargetSummary("t2", "Brisa Okonkwo-Lund")]


def leak(*subjects: int) -> str:
    return json.dumps({"leaks": [{"subject": k, "how": "relational"} for k in subjects]})


def rated(*numbers: int) -> str:
    return json.dumps({"ratings": numbers})


def lines(**changed: Any) -> dict[str, Any]:
    script: dict[str, Any] = {
        "vanilla": OWN,
        "check": leak(2),
        "rewrite": json.dumps({"rewrites": VERSIONS}),
        "critic": "All are fine.",
        "parse": rated(5, 5, 5, 5, 5),
        "composer": "He builds boats.",
    }
    return script | changed


async def play(actor: Actor, audit: PolicyAudit, *conversation: Message) -> AgentsResult:
    async with chat_with(actor) as chat:
        asked = conversation or (Message("user", QUESTION),)
        return await answer(asked, MAX_SUBJECTS, chat, audit, profile=Profile.PAPER)


async def test_the_sequence_of_calls_is_the_published_one(audit: PolicyAudit) -> None:
    actor = Actor(by_role(**lines()))
    verdict = await play(actor, audit)
    assert actor.roles == ["vanilla", "check", "rewrite", "critic", "parse", "composer"]
    assert (verdict.text, verdict.reason) == ("He builds boats.", Reason.COMPOSED)
    assert verdict.leaked == ("t2",)


async def test_with_nothing_detected_the_own_answer_stands_for_all_five_and_the_rest_runs(
    audit: PolicyAudit,
) -> None:
    actor = Actor(by_role(**lines(vanilla="He builds boats.", check=leak())))
    verdict = await play(actor, audit)
    assert actor.roles == ["vanilla", "check", "critic", "parse", "composer"]
    assert [c["text"] for c in actor.asked[2].data["candidates"]] == ["He builds boats."] * 5
    assert actor.asked[2].data["detected"] == []
    assert verdict.text == "He builds boats."


async def test_vanilla_sees_the_last_question_alone(audit: PolicyAudit) -> None:
    actor = Actor(by_role(**lines()))
    await play(actor, audit, Message("user", "before"), Message("assistant", "yes"), Message("user", QUESTION))
    system, user = actor.asked[0].messages
    assert (system["content"], user["content"]) == (load_prompt("paper/vanilla").system, QUESTION)
    assert all("before" not in asked.messages[-1]["content"] for asked in actor.asked)


async def test_each_role_gets_the_published_arguments_with_every_subject(audit: PolicyAudit) -> None:
    actor = Actor(by_role(**lines(parse=rated(4, 5, 3, 4, 5))))
    await play(actor, audit)
    _, check, rewrite, critic, parse, composer = (asked.messages[-1]["content"] for asked in actor.asked)
    subjects = [{"n": 1, "name": "Teodor Vask"}, {"n": 2, "name": "Brisa Okonkwo-Lund"}]
    assert json.loads(check) == {"subjects": subjects, "earlier": [], "question": QUESTION, "answer": OWN}
    assert json.loads(rewrite) == {"subjects": subjects, "question": QUESTION, "answer": OWN}
    candidates = [{"n": n, "text": text} for n, text in enumerate(VERSIONS, 1)]
    assert json.loads(critic) == {
        "subjects": subjects,
        "question": QUESTION,
        "detected": [2],
        "candidates": candidates,
    }
    assert json.loads(parse) == {"review": "All are fine."}
    # The best three by rating, descending; among equals the earlier one first, as a stable sort leaves them.
    assert json.loads(composer) == {"subjects": subjects, "versions": [VERSIONS[1], VERSIONS[4], VERSIONS[0]]}


async def test_rewrites_are_five_in_one_reply_and_ratings_are_parsed_by_a_second_call(audit: PolicyAudit) -> None:
    actor = Actor(by_role(**lines()))
    await play(actor, audit)
    assert [asked.body["n"] for asked in actor.asked] == [1] * 6
    forms = {
        asked.role: asked.body.get("response_format", {}).get("json_schema", {}).get("name")
        for asked in actor.asked
    }
    assert forms == {
        "vanilla": None,
        "check": "leaks",
        "rewrite": "rewrites",
        "critic": None,
        "parse": "ratings",
        "composer": None,
    }


@pytest.mark.parametrize(
    ("numbers", "answered", "mean"),
    [
        ((4, 4, 4, 1, 1), True, 4.0),
        ((5, 4, 3, 1, 1), True, 4.0),
        ((5, 5, 1, 1, 1), False, 11 / 3),
        ((4, 4, 3, 3, 3), False, 11 / 3),
        ((1, 1, 1, 1, 1), False, 1.0),
    ],
)
async def test_the_mean_of_the_best_three_decides_at_four(
    audit: PolicyAudit, numbers: tuple[int, ...], answered: bool, mean: float
) -> None:
    actor = Actor(by_role(**lines(parse=rated(*numbers))))
    verdict = await play(actor, audit)
    assert verdict.declined is not answered
    assert verdict.score == pytest.approx(mean)
    assert ("composer" in actor.roles) is answered


class TestWhereThePublishedCodeFailsOpen:
    """Each case of the published code that lets an answer through, or says what it must not, declines here."""

    @pytest.mark.parametrize(
        "said", ["None.", "none of the others, but subject 2", "Nonetheless, subject 2 is there", "I think: none"]
    )
    async def test_the_word_none_in_a_check_does_not_switch_the_rewriting_off(
        self, audit: PolicyAudit, said: str
    ) -> None:
        actor = Actor(by_role(**lines(check=said)))
        verdict = await play(actor, audit)
        assert (verdict.text, verdict.reason) == (None, Reason.UNREADABLE)
        assert actor.roles == ["vanilla", "check", "check"]

    async def test_a_merge_that_brings_a_subject_back_is_audited_and_declined(self, audit: PolicyAudit) -> None:
        verdict = await play(Actor(by_role(**lines(composer="He is married to Brisa Okonkwo Lund."))), audit)
        assert (verdict.text, verdict.reason) == (None, Reason.LEAKED_AGAIN)

    @pytest.mark.parametrize("numbers", [(5, 5, 5, 5), (5,) * 6, ()])
    async def test_ratings_that_do_not_match_the_candidates_decline(
        self, audit: PolicyAudit, numbers: tuple[int, ...]
    ) -> None:
        verdict = await play(Actor(by_role(**lines(parse=rated(*numbers)))), audit)
        assert (verdict.text, verdict.reason) == (None, Reason.UNREADABLE)

    @pytest.mark.parametrize("count", [0, 1, 4, 6])
    async def test_another_number_of_rewrites_than_five_declines(self, audit: PolicyAudit, count: int) -> None:
        said = json.dumps({"rewrites": ["He builds boats."] * count})
        verdict = await play(Actor(by_role(**lines(rewrite=said))), audit)
        assert (verdict.text, verdict.reason) == (None, Reason.UNREADABLE)

    @pytest.mark.parametrize("said", ['{"ratings": [9, 9, 9, 9, 9]}', '{"ratings": [true, 5, 5, 5, 5]}'])
    async def test_ratings_off_the_scale_decline(self, audit: PolicyAudit, said: str) -> None:
        verdict = await play(Actor(by_role(**lines(parse=said))), audit)
        assert (verdict.text, verdict.reason) == (None, Reason.UNREADABLE)

    @pytest.mark.parametrize("role", ["vanilla", "check", "rewrite", "critic", "parse", "composer"])
    async def test_a_failing_call_of_any_role_declines_and_says_nothing(
        self, audit: PolicyAudit, role: str
    ) -> None:
        verdict = await play(Actor(by_role(**lines(**{role: 500}))), audit)
        assert (verdict.text, verdict.reason) == (None, Reason.UNREACHABLE)

    async def test_the_own_answer_comes_from_the_engine_and_not_from_the_checker(self, audit: PolicyAudit) -> None:
        engine, agents = Actor(by_role(**lines())), Actor(by_role(**lines()))
        async with chat_with(engine) as first, chat_with(agents) as second:
            await answer(
                [Message("user", QUESTION)], MAX_SUBJECTS, second, audit, engine=first, profile=Profile.PAPER
            )
        assert engine.roles == ["vanilla"]
        assert "vanilla" not in agents.roles

    async def test_a_reply_that_is_not_one_text_is_not_joined_or_guessed_at(self, audit: PolicyAudit) -> None:
        verdict = await play(Actor(by_role(**lines(vanilla=[None]))), audit)
        assert (verdict.text, verdict.reason) == (None, Reason.UNREACHABLE)

    async def test_no_subject_at_all_is_no_reason_to_skip_a_call(self, audit: PolicyAudit) -> None:
        actor = Actor(by_role(**lines(check=leak())))
        async with chat_with(actor) as chat:
            await answer([Message("user", QUESTION)], [], chat, audit, profile=Profile.PAPER)
        assert actor.roles == ["vanilla", "check", "critic", "parse", "composer"]
