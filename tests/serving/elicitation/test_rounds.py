from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from guard.errors import EngineUnavailable
from guard.targets.elicitation import ProposalKind
from guard.targets.target import Kind
from serving.elicitation.asking import Options, Sampling
from serving.elicitation.forms import Prompt, Style, controls_of
from serving.elicitation.rounds import Controls, Elicited, elicit, is_about
from serving.elicitation.statements import Answer
from tests.serving.elicitation.scripted import ScriptedModel, WordEmbedder

pytestmark = pytest.mark.anyio

NAME = "Ilse Quorne"
OPTIONS = Options(samples=1, temperatures=(1.0,), languages=("en",))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def asked(model: ScriptedModel, kind: Kind = Kind.PERSON, shares: list[float] | None = None) -> Elicited:
    seen: list[float] = [] if shares is None else shares
    return await elicit(model, NAME, kind, WordEmbedder(), OPTIONS, seen.append)


def texts(found: Elicited, kind: ProposalKind) -> list[str]:
    return [one.text for one in found.proposals if one.kind is kind]


def knows(prompt: Prompt, temperature: float) -> str:
    """Know one book of Ilse Quorne and what it is about; say of any name that it is a writer."""
    question = prompt.question
    if "Salt Road" in question and (NAME in question or "wrote" in question):
        return 'Ilse Quorne wrote "The Salt Road" about the salt miners of Varnholt.'
    if NAME in question and ("written" in question or "works" in question):
        return 'She is a writer of the Hesperus Circle. She wrote "The Salt Road".'
    return "She is a writer of the Hesperus Circle."


async def test_what_the_model_says_of_the_name_is_proposed_as_facts_and_phrases() -> None:
    found = await asked(ScriptedModel(knows))
    assert 'She wrote "The Salt Road".' in texts(found, ProposalKind.FACT)
    assert "The Salt Road" in texts(found, ProposalKind.PHRASE)


async def test_a_proposal_says_how_often_and_by_which_forms_it_was_said() -> None:
    found = await asked(ScriptedModel(knows))
    (road,) = (one for one in found.proposals if one.text == "The Salt Road")
    assert road.times > 4
    assert {"direct", "listing", "found", "reverse"} <= set(road.styles)
    assert road.languages == ("en",)


async def test_what_any_name_gets_is_dropped() -> None:
    found = await asked(ScriptedModel(knows))
    assert not [one for one in found.proposals if "Hesperus" in one.text]


async def test_what_was_found_is_asked_about() -> None:
    model = ScriptedModel(knows)
    found = await asked(model)
    assert any("Varnholt" in text for text in texts(found, ProposalKind.FACT))
    assert {prompt.form.style for prompt in model.asked if "Salt Road" in prompt.question} >= {
        Style.FOUND,
        Style.REVERSE,
    }


async def test_a_statement_without_a_phrase_tells_unless_an_invented_name_gets_its_like() -> None:
    def plain(prompt: Prompt, temperature: float) -> str:
        if "parents" not in prompt.question or prompt.answer:
            return ""
        return "Both keep bees. She likes tea." if NAME in prompt.question else "She likes tea."

    assert texts(await asked(ScriptedModel(plain)), ProposalKind.FACT) == ["Both keep bees."]


@pytest.mark.parametrize(("sampled", "proposed"), [(0.0, True), (1.0, False)])
async def test_only_what_is_said_twice_or_not_sampled_is_proposed(sampled: float, proposed: bool) -> None:
    def once(prompt: Prompt, temperature: float) -> str:
        is_first = prompt.question == f"Who is {NAME}?" and not prompt.answer and temperature == sampled
        return "She lives in Varnholt." if is_first else ""

    assert bool((await asked(ScriptedModel(once))).proposals) is proposed


async def test_another_name_is_proposed_as_an_alias_and_not_as_a_phrase() -> None:
    def alias(prompt: Prompt, temperature: float) -> str:
        return f"{NAME} is also known as Mathilde Oberlin." if NAME in prompt.question else ""

    found = await asked(ScriptedModel(alias))
    assert texts(found, ProposalKind.ALIAS) == ["Mathilde Oberlin"]
    assert "Mathilde Oberlin" not in texts(found, ProposalKind.PHRASE)


async def test_the_invented_names_are_asked_by_the_same_forms() -> None:
    model = ScriptedModel(lambda prompt, temperature: "")
    found = await asked(model)
    assert found == (0, ())
    for other in controls_of(Kind.PERSON):
        assert {p.question.replace(other, NAME) for p in model.asked if other in p.question} == {
            p.question for p in model.asked if NAME in p.question
        }


async def test_the_model_is_asked_the_questions_that_it_makes_itself() -> None:
    model = ScriptedModel(lambda prompt, temperature: "")
    await asked(model)
    assert f"What has {NAME} do?" in [prompt.question for prompt in model.asked]


class Curious(ScriptedModel):
    """Writes of anybody which schools they went to."""

    async def complete(self, prompt: Prompt, sampling: Sampling) -> Sequence[str]:
        if prompt.question == "Which":
            return ["Which schools did Bram Ombergale go to?"] * sampling.n
        return [f"{prompt.question} go to?"] * sampling.n


async def test_the_model_is_asked_of_the_name_and_of_invented_ones_as_it_asks_of_anybody() -> None:
    model = Curious(lambda prompt, temperature: "In Varnholt.")
    await asked(model)
    questions = [prompt.question for prompt in model.asked]
    assert f"Which schools did {NAME} go to?" in questions
    assert any(f"Which schools did {other} go to?" in questions for other in controls_of(Kind.PERSON))


async def test_without_beginnings_the_model_is_asked_in_no_words_of_its_own() -> None:
    model = Curious(lambda prompt, temperature: "In Varnholt.")
    options, controls = replace(OPTIONS, beginnings=False), Controls()
    await elicit(model, NAME, Kind.PERSON, WordEmbedder(), options, lambda share: None, controls)
    own = f"Which schools did {NAME} go to?"
    questions = [prompt.question for prompt in model.asked]
    assert NAME in "".join(questions)
    assert own not in questions
    await elicit(model, NAME, Kind.PERSON, WordEmbedder(), OPTIONS, lambda share: None, controls)
    assert own in [prompt.question for prompt in model.asked]


@pytest.mark.parametrize(("rounds", "is_asked"), [(0, False), (1, False), (2, True)])
async def test_what_a_round_found_is_asked_about_in_the_next(rounds: int, is_asked: bool) -> None:
    def one_after_the_other(prompt: Prompt, temperature: float) -> str:
        question = prompt.question
        if "Salt Road" in question:
            return 'Ilse Quorne wrote "The Night Ferry" next.'
        return 'She wrote "The Salt Road".' if NAME in question and "Night Ferry" not in question else ""

    model = ScriptedModel(one_after_the_other)
    options = replace(OPTIONS, rounds=rounds)
    await elicit(model, NAME, Kind.PERSON, WordEmbedder(), options, lambda share: None)
    questions = [prompt.question for prompt in model.asked]
    assert any("Night Ferry" in question for question in questions) is is_asked
    assert any("Salt Road" in question for question in questions) is bool(rounds)


async def test_invented_names_are_asked_once_for_all_targets() -> None:
    model, controls = ScriptedModel(knows), Controls()
    for name in (NAME, "Bram Ombergale"):
        await elicit(model, name, Kind.PERSON, WordEmbedder(), OPTIONS, lambda share: None, controls)
    (other, *_) = controls_of(Kind.PERSON)
    assert [prompt.question for prompt in model.asked].count(f"What is {other} known for?") == 1


async def test_progress_goes_from_nothing_to_all() -> None:
    shares: list[float] = []
    await asked(ScriptedModel(knows), shares=shares)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


async def test_a_failing_engine_fails_the_elicitation() -> None:
    def fail(prompt: Prompt, temperature: float) -> str:
        raise EngineUnavailable("gone")

    with pytest.raises(EngineUnavailable):
        await asked(ScriptedModel(fail))


async def test_cancelling_asks_no_more() -> None:
    begun = asyncio.Event()

    class Slow(ScriptedModel):
        async def say(self, prompt, sampling):  # type: ignore[no-untyped-def]
            begun.set()
            await asyncio.Event().wait()

    running = asyncio.create_task(asked(Slow(knows)))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def test_an_answer_to_a_reverse_question_counts_if_it_says_the_name() -> None:
    from serving.elicitation.forms import forms_of

    (form, *_) = forms_of(Kind.PERSON, (Style.REVERSE,))
    prompt = form.about(NAME, "The Salt Road")
    assert is_about(Answer(prompt, "It was written by Quorne."), NAME)
    assert not is_about(Answer(prompt, "It was written by Bram Ombergale."), NAME)
