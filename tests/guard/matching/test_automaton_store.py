from __future__ import annotations

import os
from pathlib import Path

import pytest

from guard.errors import PolicyUnavailable
from guard.matching import automaton_file
from guard.matching import automaton_store as module
from guard.matching.automaton import Automaton
from guard.matching.automaton_store import AutomatonStore


def test_what_is_written_can_be_read_here_and_attached_elsewhere(tmp_path: Path) -> None:
    store = AutomatonStore(tmp_path)
    digest = store.write({"Tarn Hollow", "Mirrow Gate"})
    assert store[digest].matches("tarn-hollow")
    assert Automaton.attach(tmp_path, digest).matches("tarn-hollow")
    assert store[digest] is store[digest]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="Linux tells which descriptors are open")
def test_a_small_file_keeps_no_descriptor_and_a_large_one_is_mapped(tmp_path: Path) -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    small = [Automaton.compile([f"Tarn Hollow {number}"]) for number in range(3)]
    large = Automaton.compile([f"Tarn Hollow {number} of {number % 7} gates" for number in range(1_000)])
    sizes = [one.save(tmp_path).stat().st_size for one in (*small, large)]
    assert max(sizes[:3]) < automaton_file.MIN_MAPPED_BYTES < sizes[3]
    before = descriptors()
    attached = [Automaton.attach(tmp_path, one.digest) for one in small]
    assert descriptors() == before
    attached.append(Automaton.attach(tmp_path, large.digest))
    assert descriptors() == before + 1
    assert attached[0].matches("tarn hollow 0")


def test_a_missing_automaton_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PolicyUnavailable):
        AutomatonStore(tmp_path)["0" * 64]


def test_a_file_that_a_power_cut_damaged_is_compiled_again(tmp_path: Path) -> None:
    digest = AutomatonStore(tmp_path).write({"Tarn Hollow"})
    path = tmp_path / f"{digest}.automaton"
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    store = AutomatonStore(tmp_path)
    assert store.write({"Tarn Hollow"}) == digest
    assert store[digest].matches("tarn hollow")


@pytest.mark.parametrize(("least", "synced"), [(1, 2), (10**6, 0)])
def test_only_a_large_file_reaches_the_disk_before_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, least: int, synced: int
) -> None:
    calls: list[int] = []
    monkeypatch.setattr(automaton_file, "MIN_DURABLE_BYTES", least)
    monkeypatch.setattr(os, "fsync", calls.append)
    AutomatonStore(tmp_path).write({"Tarn Hollow"})
    assert len(calls) == synced  # the file and its folder


def test_many_phrases_are_compiled_in_a_subprocess_to_the_same_automaton(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phrases = {f"phrase number {number}" for number in range(50)}
    monkeypatch.setattr(module, "MIN_PHRASES_FOR_SUBPROCESS", 50)
    store = AutomatonStore(tmp_path)
    digest = store.write(phrases)
    assert digest == Automaton.compile(phrases).digest
    assert store[digest].matches("Phrase Number 49")


def test_a_failure_in_the_subprocess_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MIN_PHRASES_FOR_SUBPROCESS", 1)
    with pytest.raises(PolicyUnavailable):
        AutomatonStore(tmp_path / "missing").write({"phrase"})


def test_only_the_last_used_stay_mapped_and_all_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_MAPPED_AUTOMATA", 2)
    store = AutomatonStore(tmp_path)
    digests = [store.write({f"phrase {number}"}) for number in range(4)]
    first = store[digests[0]]
    assert first.matches("phrase 0")
    assert store[digests[1]].matches("phrase 1")
    assert store[digests[2]].matches("phrase 2")
    assert store[digests[0]] is not first
