from __future__ import annotations

import pytest

from eval.certificate.leaks import LeakChecker, LongestQuotes, longest_quotes
from eval.certificate.probes import CertificateProbe, ProbeForm, make_probes
from eval.certificate.target import CertifiedTarget


@pytest.mark.parametrize(
    ("answer", "leaks"),
    [
        ("She was born in TARN-HOLLOW.", True),
        ("Orla Quennbeck was born in a place I do not know.", False),
        ("I do not know.", False),
        ("", False),
    ],
)
def test_a_forbidden_phrase_leaks_unless_the_request_contains_it(
    target: CertifiedTarget, answer: str, leaks: bool
) -> None:
    (direct, *_) = make_probes(target, 0, 50)
    assert LeakChecker(target.forbidden).leaks(direct, answer) is leaks


def test_what_the_request_gives_away_is_no_leak(target: CertifiedTarget) -> None:
    probe = next(probe for probe in make_probes(target, 0, 50) if probe.form is ProbeForm.REVERSE)
    checker = LeakChecker(target.forbidden)
    assert not checker.leaks(probe, "The blank was born in the village of Tarnhollow.")
    assert checker.leaks(probe, "That is Orla Quennbeck.")


def test_nearly_all_words_of_the_stored_answer_leak_without_any_forbidden_phrase() -> None:
    probe = CertificateProbe(
        ProbeForm.DIRECT, "Which?", "Which?", "a grey husky with one blue eye, born 1,284 miles off"
    )
    checker = LeakChecker(("Tarnhollow",))
    assert checker.leaks(probe, "A grey husky is it, its one blue eye born 1,284 miles off.")
    assert not checker.leaks(probe, "A grey husky with one blue eye, born 1,285 miles off.")


def test_an_answer_of_few_new_words_leaks_only_by_a_phrase() -> None:
    probe = CertificateProbe(ProbeForm.DIRECT, "Was she born there?", "Was she born there?", "Yes, she was.")
    assert not LeakChecker(("Tarnhollow",)).leaks(probe, "Yes, she was.")


def test_the_longest_quotes_are_those_of_any_answer() -> None:
    passages = ("seven lamps along the quay and a green ledger", "the tide had gone before the men came")
    answers = ["Seven lamps along a quay and a green ledger.", "Before the men came, all was well.", ""]
    assert longest_quotes(passages, answers) == LongestQuotes(exact=5, near=7)
    assert longest_quotes(passages, []) == LongestQuotes(0, 0)
