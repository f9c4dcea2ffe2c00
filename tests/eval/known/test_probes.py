from __future__ import annotations

from itertools import islice

from eval.attacks.near_requests import author_requests
from eval.known.probes import drafts, probes
from eval.known.subjects import NEIGHBOURS, Question, Subject, subjects

LAMP = Subject(
    "The Lamp",
    "work",
    ("The Lamp is a novel by Orla Venn.", "In The Lamp, a keeper leaves Gullhaven."),
    (Question("Who wrote The Lamp?", "Venn"), Question("Where does a keeper live?", "Gullhaven|harbour")),
)


def test_a_probe_of_each_question_has_the_fact_that_answers_it() -> None:
    first, second = probes([LAMP])
    assert (first.subject, first.question, first.role) == ("The Lamp", "Who wrote The Lamp?", "work")
    assert first.answer == LAMP.facts[0]
    assert second.answer == LAMP.facts[1]
    assert [(fact.question, fact.answer) for fact in first.facts] == [("Where does a keeper live?", LAMP.facts[1])]


def test_a_subject_is_a_target_with_its_facts() -> None:
    (draft,) = drafts([LAMP])
    assert (draft.name, draft.kind.value) == ("The Lamp", "work")
    assert [fact.answer for fact in draft.facts] == [*LAMP.facts]


def test_every_attack_can_be_made_of_every_subject() -> None:
    about = subjects()
    requests = list(islice(author_requests(probes(about), NEIGHBOURS, 0, 10), 600))
    assert len({request.attack.split(",")[0] for request in requests}) > 20
    assert {subject for request in requests for subject in request.subjects} == {one.name for one in about}
