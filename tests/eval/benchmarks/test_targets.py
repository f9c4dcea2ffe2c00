from __future__ import annotations

from eval.benchmarks.files import Question
from eval.benchmarks.targets import ROWS_PER_AUTHOR, articles, authors
from guard.targets.target import Kind, Method


def rows(name: str) -> list[Question]:
    return [
        Question(f"What did {name} write in year {year}?", f"{name}'s book of that year is Volume {year}.")
        for year in range(ROWS_PER_AUTHOR)
    ]


def test_each_author_is_one_target_with_all_rows_as_facts() -> None:
    first, second = authors([*rows("Orla Quennbeck"), *rows("Tam Fenwright-Osei")])
    assert (first.name, second.name) == ("Orla Quennbeck", "Tam Fenwright-Osei")
    assert first.kind is Kind.PERSON
    assert first.methods == (Method.GUARD,)
    assert [(f.question, f.answer) for f in second.facts] == [
        (r.question, r.answer) for r in rows("Tam Fenwright-Osei")
    ]


def test_equal_articles_are_one_target_and_their_names_are_not_forbidden() -> None:
    drafts = articles(["The mayor of Vellin resigned.", "A storm came.", "The mayor of Vellin resigned."])
    assert [draft.passages for draft in drafts] == [("The mayor of Vellin resigned.",), ("A storm came.",)]
    assert len({draft.name for draft in drafts}) == 2
    assert {draft.kind for draft in drafts} == {Kind.TOPIC}
