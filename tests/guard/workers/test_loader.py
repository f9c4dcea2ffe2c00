"""A worker says that it has loaded a version once it has, and goes on saying so."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from pathlib import Path
from types import SimpleNamespace

import pytest

from guard.matching import subset
from guard.matching.automaton import Automaton
from guard.workers import loader as loading
from guard.workers.acknowledgement import (
    FOLDER_NAME,
    MAX_ASKED,
    Acknowledgement,
    Asked,
    mark_of,
    of_this_process,
    read,
)
from guard.workers.loader import Loader
from guard.workers.required import publish_required
from guard.workers.source import Source

OWN = of_this_process(SimpleNamespace(instance_id="e1"))


def said(folder: Path) -> Acknowledgement | None:
    return read(folder / FOLDER_NAME / f"{OWN.id}.json")


def version_said(folder: Path) -> tuple[int, str]:
    found = said(folder)
    assert found is not None
    return found.version, found.failure


def saved(folder: Path, *phrases: str) -> Automaton:
    automaton = Automaton.compile(phrases)
    automaton.save(folder)
    return automaton


def test_nothing_is_acknowledged_before_anything_is_required(tmp_path: Path) -> None:
    Loader(tmp_path, OWN).poll()
    assert said(tmp_path) is None


def test_a_version_is_acknowledged_once_its_automata_are_attached(tmp_path: Path) -> None:
    loader = Loader(tmp_path, OWN)
    one, other = saved(tmp_path, "Ilsabet Quorne"), saved(tmp_path, "the gate code")
    publish_required(tmp_path, 3, [one.digest, other.digest])
    loader.poll()
    assert version_said(tmp_path) == (3, "")
    assert loader.loaded.keys() == {one.digest, other.digest}
    publish_required(tmp_path, 4, [other.digest])
    kept = loader.loaded[other.digest]
    loader.poll()
    assert version_said(tmp_path) == (4, "")
    assert loader.loaded == {other.digest: kept}


def test_an_automaton_that_lacks_phrases_of_another_is_loaded_with_it(tmp_path: Path) -> None:
    whole = saved(tmp_path, "Ilsabet Quorne", "the gate code")
    rest = subset.write(tmp_path, whole.digest, [0])
    publish_required(tmp_path, 3, [rest])
    loader = Loader(tmp_path, OWN)
    loader.poll()
    assert version_said(tmp_path) == (3, "")
    assert loader.loaded[rest].digest == rest


def test_what_is_no_longer_required_is_let_go_at_once(tmp_path: Path) -> None:
    whole = saved(tmp_path, "Ilsabet Quorne", "the gate code")
    publish_required(tmp_path, 3, [subset.write(tmp_path, whole.digest, [0])])
    loader = Loader(tmp_path, OWN)
    loader.poll()
    gone = [weakref.ref(automaton) for automaton in loader.loaded.values()]
    publish_required(tmp_path, 4, [saved(tmp_path, "the other gate").digest])
    # Not when cycles are next collected: a worker that is idle maps files of many MiB until then.
    gc.disable()
    try:
        loader.poll()
        assert [reference() for reference in gone] == [None, None]
    finally:
        gc.enable()


def test_a_file_that_cannot_be_loaded_is_acknowledged_as_a_failure_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "RETRY_S", 0.0)
    loader = Loader(tmp_path, OWN)
    publish_required(tmp_path, 2, [])
    loader.poll()
    automaton = Automaton.compile(["Ilsabet Quorne"])
    publish_required(tmp_path, 3, [automaton.digest])
    loader.poll()
    assert version_said(tmp_path) == (2, "PolicyUnavailable")
    path = automaton.save(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"!")
    loader.poll()
    assert version_said(tmp_path) == (2, "PolicyUnavailable")
    path.write_bytes(content)
    loader.poll()
    assert version_said(tmp_path) == (3, "")


def test_the_acknowledgement_is_written_again_as_a_heartbeat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader = Loader(tmp_path, OWN)
    publish_required(tmp_path, 3, [])
    loader.poll()
    path = tmp_path / FOLDER_NAME / f"{OWN.id}.json"
    before = path.stat().st_ino, path.stat().st_mtime_ns
    loader.poll()
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == before
    monkeypatch.setattr(loading, "HEARTBEAT_S", 0.0)
    loader._next_beat = 0.0
    loader.poll()
    assert (path.stat().st_ino, path.stat().st_mtime_ns) != before


def test_a_folder_that_cannot_be_written_stops_no_worker(tmp_path: Path) -> None:
    (tmp_path / FOLDER_NAME).write_text("a file where the folder should be")
    automaton = saved(tmp_path, "Ilsabet Quorne")
    publish_required(tmp_path, 3, [automaton.digest])
    loader = Loader(tmp_path, OWN)
    loader.poll()
    loader.poll()
    assert automaton.digest in loader.loaded


def test_the_thread_ends_with_its_worker(tmp_path: Path) -> None:
    publish_required(tmp_path, 3, [])
    before = set(threading.enumerate())
    loader = Loader(tmp_path, OWN)
    loader.start()
    (thread,) = set(threading.enumerate()) - before
    deadline = time.monotonic() + 20
    while said(tmp_path) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert version_said(tmp_path) == (3, "")
    del loader
    gc.collect()
    thread.join(20)
    assert not thread.is_alive()


def test_a_worker_says_who_it_is_of_which_engine() -> None:
    parallel = SimpleNamespace(world_size=8, tensor_parallel_size=4, rank=5, data_parallel_index=1)
    worker = of_this_process(SimpleNamespace(instance_id="ab12c", parallel_config=parallel))
    assert (worker.engine, worker.rank, worker.first, worker.ranks) == ("ab12c-1", 5, 4, 8)
    assert not worker.is_gone


def test_what_the_loader_has_mapped_no_step_maps_again(tmp_path: Path) -> None:
    automaton = Automaton.compile(["Ilse Quorne"])
    automaton.save(tmp_path)
    publish_required(tmp_path, 3, [automaton.digest])
    source = Source(tmp_path, OWN)
    first = source.attach(automaton.digest, source_of_none)
    (loader,) = source._loaders
    loader.poll()
    assert isinstance(loader, Loader)
    assert loader.loaded[automaton.digest] is first is source.attach(automaton.digest, source_of_none)


def source_of_none(digest: str) -> Automaton:
    raise AssertionError(digest)


def test_what_requests_name_besides_what_is_required_is_said_with_the_next_heartbeat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    required, other = saved(tmp_path, "Ilsabet Quorne"), saved(tmp_path, "the gate code")
    publish_required(tmp_path, 3, [required.digest])
    monkeypatch.setattr(loading, "HEARTBEAT_S", 0.0)
    asked = Asked()
    loader = Loader(tmp_path, OWN, asked=asked)
    loader.poll()
    asked.note(other.digest)
    loader.poll()
    found = said(tmp_path)
    assert found is not None
    assert found.asked == (mark_of(other.digest),)


def test_a_source_notes_what_was_not_required_once_and_not_for_ever(tmp_path: Path) -> None:
    source = Source(tmp_path)
    digests = [saved(tmp_path, f"the gate code {number}").digest for number in range(MAX_ASKED + 1)]
    for digest in digests + digests[-1:]:
        source.attach(digest, lambda whole: pytest.fail(whole))
    assert source._asked.latest == tuple(map(mark_of, digests[1:]))
