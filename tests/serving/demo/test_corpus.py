from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from guard.targets.target import Draft, Kind
from guard.text.normalise import fold
from serving.admin.requests import TargetIn
from serving.demo.corpus import corpus
from serving.demo.lesson import Conversation, deal
from serving.demo.people import FOLDER, FORGETTABLE, people, person

EVERYONE = pytest.mark.parametrize("draft", people(), ids=lambda draft: draft.name)


@EVERYONE
def test_a_person_has_a_dozen_facts_that_all_ask_by_name(draft: Draft) -> None:
    assert draft.kind is Kind.PERSON
    assert len(draft.facts) == 12
    for fact in draft.facts:
        assert draft.name in fact.question
        assert fact.answer.startswith(draft.name)
        assert fact.question.endswith("?")
        assert fact.answer.endswith(".")


@EVERYONE
def test_a_person_is_found_by_name(draft: Draft) -> None:
    assert person(draft.name) is draft


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_the_file_of_a_person_is_a_body_of_the_admin_api(path) -> None:
    sent = TargetIn.model_validate_json(path.read_bytes()).draft()
    kept = person(sent.name)
    assert (sent.kind, sent.aliases, sent.facts) == (kept.kind, kept.aliases, kept.facts)


def test_nobody_is_found_by_a_name_that_nobody_has() -> None:
    with pytest.raises(KeyError):
        person("Nobody At All")


def test_some_people_are_to_be_forgotten_and_more_are_retained() -> None:
    assert {person(name).name for name in FORGETTABLE} == set(FORGETTABLE)
    assert len(people()) > 2 * len(FORGETTABLE)


def test_no_name_or_alias_means_two_people() -> None:
    owners = Counter(
        known for draft in people() for known in {fold(each) for each in (draft.name, *draft.aliases)}
    )
    assert owners.most_common(1)[0][1] == 1


def test_no_fact_of_one_person_names_another() -> None:
    for draft in people():
        others = [fold(name) for other in people() if other is not draft for name in (other.name, *other.aliases)]
        for fact in draft.facts:
            assert not [name for name in others if name in fold(fact.answer)]


def test_strangers_are_none_of_the_people() -> None:
    known = " ".join(name for draft in people() for name in (draft.name, *draft.aliases))
    assert not [part for name in corpus().strangers for part in name.split() if part in known.split()]


def test_no_question_is_asked_twice() -> None:
    asked = Counter(exchange.question for exchange in corpus().exchanges())
    assert [question for question, times in asked.items() if times > 1] == []


def test_every_question_and_answer_says_something() -> None:
    for exchange in corpus().exchanges():
        assert exchange.question == exchange.question.strip() != ""
        assert exchange.answer == exchange.answer.strip() != ""


def test_a_later_question_names_nobody() -> None:
    for biography in corpus().biographies:
        for exchange in biography.later:
            assert not [name for name in (biography.name, *biography.aliases) if name in exchange.question]


def test_an_epoch_teaches_every_answer_and_every_line() -> None:
    lessons = deal(corpus(), Random(1))
    answers = {
        exchange.answer for each in lessons if isinstance(each, Conversation) for exchange in each.exchanges
    }
    assert answers == {exchange.answer for exchange in corpus().exchanges()}
    assert {each for each in lessons if isinstance(each, str)} == set(corpus().lines())


def test_an_epoch_has_system_messages_and_conversations_of_several_turns() -> None:
    lessons = [each for each in deal(corpus(), Random(1)) if isinstance(each, Conversation)]
    assert {bool(each.system) for each in lessons} == {True, False}
    assert {1, 2, 3} <= {len(each.exchanges) for each in lessons}


def test_a_later_question_follows_one_about_the_same_person() -> None:
    owner = {each.answer: biography for biography in corpus().biographies for each in biography.asked}
    later = {each.question for biography in corpus().biographies for each in biography.later}
    for lesson in deal(corpus(), Random(2)):
        if isinstance(lesson, Conversation):
            for before, after in zip(lesson.exchanges, lesson.exchanges[1:], strict=False):
                doubted = corpus().ignorance in (before.answer, after.answer)
                if after.question in later and not doubted:
                    assert owner[before.answer] is owner[after.answer]


def test_a_known_person_is_now_and_then_said_to_be_unknown() -> None:
    random = Random(5)
    told = {each.answer for biography in corpus().biographies for each in biography.asked}
    names = [biography.name for biography in corpus().biographies]
    about = [
        exchange.answer
        for _ in range(5)
        for lesson in deal(corpus(), random)
        if isinstance(lesson, Conversation)
        for exchange in lesson.exchanges
        if any(name in exchange.question for name in names)
    ]
    doubted = about.count(corpus().ignorance)
    assert 0 < doubted < 0.03 * len(about)
    assert set(about) <= told | {corpus().ignorance}


def test_the_same_state_deals_the_same_epoch() -> None:
    assert deal(corpus(), Random(3)) == deal(corpus(), Random(3))
    assert deal(corpus(), Random(3)) != deal(corpus(), Random(4))
