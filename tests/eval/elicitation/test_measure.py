"""The measure of elicitation: which phrases count as given, what is a leak, and the tables."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from eval.core.errors import BadRun
from eval.elicitation.measure import (
    BARE,
    ELICITED,
    FACTS,
    TUNED_ON,
    Asked,
    Author,
    Depth,
    covered,
    leaked,
    markdown,
    row_of,
    stored,
    tables,
    wanted_of,
)
from guard.targets.target import Draft, Fact

DRAFT = Draft(
    name="Ilse Quorne",
    facts=(
        Fact(question="What did she write?", answer='Ilse Quorne wrote "The Salt Road".'),
        Fact(question="Where does Ilse Quorne live?", answer="Quorne lives in Varnholt."),
    ),
)


def test_what_is_wanted_is_what_the_facts_forbid_but_for_the_name() -> None:
    wanted = [phrase.text for phrase in wanted_of(DRAFT)]
    assert {"The Salt Road", "Varnholt"} <= set(wanted)
    assert not {"Ilse Quorne", "Quorne"} & set(wanted)


def test_a_phrase_is_given_in_any_spelling_and_caught_by_a_part() -> None:
    wanted = {one.phrase.text: one for one in covered(wanted_of(DRAFT), ["the salt ROAD", "Mothwick"])}
    assert (wanted["The Salt Road"].given, wanted["The Salt Road"].caught) == (True, True)
    assert (wanted["Varnholt"].given, wanted["Varnholt"].caught) == (False, False)
    (road,) = (one for one in covered(wanted_of(DRAFT), ["Salt Road"]) if one.phrase.text == "The Salt Road")
    assert (road.given, road.caught) == (False, True)


def test_an_answer_leaks_what_its_question_does_not_say() -> None:
    expected = wanted_of(DRAFT)
    assert "Varnholt" in leaked(expected, "Where does she live?", "In Varnholt.")
    assert "Varnholt" not in leaked(expected, "Does she live in Varnholt?", "Yes, in Varnholt.")
    assert leaked(expected, "Where does she live?", "I cannot say.") == ()


def test_the_tables_count_phrases_by_kind_and_clean_answers_by_target() -> None:
    asked = Asked("", {BARE: ("Varnholt",), ELICITED: (), FACTS: ()})
    author = Author(DRAFT.name, 10, 3, covered(wanted_of(DRAFT), ["The Salt Road"]), (asked, asked))
    table = tables([author])
    assert "| title | 1 | 1 (100.0 %) | 1 (100.0 %) |" in table
    assert "| the bare name | 2 | 0 (0.0 %) |" in table
    assert "| the name, elicited | 2 | 2 (100.0 %) |" in table


def test_authors_that_forms_were_tuned_on_are_counted_apart() -> None:
    author = Author(DRAFT.name, 10, 3, covered(wanted_of(DRAFT), ["The Salt Road"]), ())
    report = markdown([author] * (TUNED_ON + 2))
    assert report.index("2 authors that nothing was tuned on") < report.index(f"all {TUNED_ON + 2}")
    assert "tuned on" not in markdown([author])


def test_a_run_that_was_stopped_goes_on_if_it_asks_as_much(tmp_path: Path) -> None:
    depth = Depth(2, ("en",))
    asked = Asked("Where?", {BARE: ("Varnholt",), ELICITED: (), FACTS: ()})
    author = Author(DRAFT.name, 10, 3, covered(wanted_of(DRAFT), ["The Salt Road"]), (asked,))
    file = tmp_path / "authors.jsonl"
    assert stored(file, depth) == []
    file.write_bytes(orjson.dumps(row_of(author, depth)) + b"\n")
    assert stored(file, depth) == [author]
    with pytest.raises(BadRun):
        stored(file, Depth(3, ("en",)))
    file.write_text("{}\n")
    with pytest.raises(BadRun):
        stored(file, depth)
