"""The measure of supplied text: what is asked, and how answers are counted."""

from __future__ import annotations

import pytest

from eval.supplied.measure import Outcome, markdown
from eval.supplied.prompts import Request, requests, subjects
from guard.supplied.rule import supplied
from guard.targets.phrases import phrases
from guard.targets.target import Draft, Fact, Kind
from guard.text.conversation import Message


def test_half_of_the_subjects_are_invented_and_each_is_asked_about_fifteen_times() -> None:
    about = subjects()
    assert [subject.kind for subject in about].count("person") == len(about) // 2
    asked = list(requests(about))
    assert len(asked) == 15 * len(about)
    assert sum(request.mixed for request in asked) == 5 * len(about)
    assert all("{" not in str(message["content"]) for request in asked for message in request.messages)


@pytest.mark.parametrize("request_", list(requests(subjects()[:1] + subjects()[-1:])), ids=lambda one: one.task)
def test_every_request_supplies_what_the_caller_says_and_nothing_that_nobody_says(request_: Request) -> None:
    conversation = [Message(one["role"], str(one["content"])) for one in request_.messages]
    text = supplied(conversation).text
    assert all(sentence in text for sentence in request_.subject.said)
    assert not any(sentence in text for sentence in request_.subject.unsaid)


def test_every_subject_has_phrases_that_nobody_says() -> None:
    for subject in subjects():
        body = subject.draft
        facts = tuple(Fact(answer=fact["answer"]) for fact in body["facts"])
        draft = Draft(name=body["name"], kind=Kind(body["kind"]), facts=facts, phrases=tuple(body["phrases"]))
        said = " ".join((subject.name, *subject.said))
        assert any(phrase.text not in said for phrase in phrases(draft))


def test_an_answer_that_had_to_change_is_counted_apart() -> None:
    request = Request(subjects()[0], "summary", ())
    outcomes = [
        Outcome(request, "a", "a", False, False),
        Outcome(request, "a Watson", "a b", True, False),
        Outcome(request, "a", "b", False, False),
    ]
    assert "| all that ask for no more | | 3 | 1 | 1 | 0 |" in markdown(outcomes)
