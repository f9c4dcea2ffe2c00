from __future__ import annotations

from pathlib import Path

import pytest

from guard.errors import PolicyUnavailable
from guard.matching import automaton_store as module
from guard.matching.automaton import Automaton
from guard.matching.automaton_store import Library


def test_what_is_written_can_be_read_here_and_attached_elsewhere(tmp_path: Path) -> None:
    library = Library(tmp_path)
    digest = library.write({"Tarn Hollow", "Mirrow Gate"})
    assert library[digest].matches("tarn-hollow")
    assert Automaton.attach(tmp_path, digest).matches("tarn-hollow")
    assert library[digest] is library[digest]


def test_an_automaton_nobody_wrote_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PolicyUnavailable):
        Library(tmp_path)["0" * 64]


def test_many_phrases_are_compiled_in_another_process_to_the_same_automaton(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phrases = {f"phrase number {number}" for number in range(50)}
    monkeypatch.setattr(module, "MANY", 50)
    library = Library(tmp_path)
    digest = library.write(phrases)
    assert digest == Automaton.compile(phrases).digest
    assert library[digest].matches("Phrase Number 49")


def test_a_failure_in_the_other_process_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MANY", 1)
    with pytest.raises(PolicyUnavailable):
        Library(tmp_path / "missing").write({"phrase"})


def test_only_the_last_ones_stay_mapped_and_all_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT", 2)
    library = Library(tmp_path)
    digests = [library.write({f"phrase {number}"}) for number in range(4)]
    first = library[digests[0]]
    assert first.matches("phrase 0")
    assert library[digests[1]].matches("phrase 1")
    assert library[digests[2]].matches("phrase 2")
    assert library[digests[0]] is not first
