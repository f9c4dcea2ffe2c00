from __future__ import annotations

from guard.phrases.phrase import Phrase, PhraseKind
from serving.elicitation.clusters import clustered
from serving.elicitation.statements import Statement
from tests.serving.elicitation.scripted import WordEmbedder


def clusters(*said: tuple[str, tuple[str, ...], tuple[int, ...]]) -> list[list[str]]:
    statements = [
        Statement(text, "", answers, tuple(Phrase(one, PhraseKind.NAME, "") for one in phrases))
        for text, phrases, answers in said
    ]
    vectors = WordEmbedder().embed([statement.text for statement in statements])
    return [[statement.text for statement in cluster.statements] for cluster in clustered(statements, vectors)]


def test_what_says_the_same_is_one_cluster() -> None:
    assert clusters(
        ("she lives in Varnholt", ("Varnholt",), (0,)),
        ("in Varnholt she lives", ("Varnholt",), (1, 2)),
        ("bees are kept", (), (3,)),
    ) == [["in Varnholt she lives", "she lives in Varnholt"], ["bees are kept"]]


def test_no_cluster_loses_a_phrase_to_its_first_statement() -> None:
    text = "the writer from the old town by the sea won the prize of the year for the book called"
    found = clusters((f"{text} Lamp", ("Lamp",), (0,)), (f"{text} Road", ("Road",), (0,)), (text, (), (0, 1)))
    assert sorted(map(len, found)) == [1, 2]


def test_the_statement_with_the_most_phrases_stands_for_all() -> None:
    more = ("she has lived in Varnholt since the flood at Quill", ("Varnholt", "Quill"), (0,))
    less = ("she has lived in Varnholt since the flood at", ("Varnholt",), (1, 2, 3))
    assert clusters(less, more)[0][0] == more[0]


def test_nothing_has_no_clusters() -> None:
    assert clusters() == []
