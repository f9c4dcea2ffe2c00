from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from eval.core.errors import BadRun
from eval.core.sample import Key, Sample
from eval.harness.store import SAMPLES, Store, read_samples

CONFIG = {"benchmark": "tofu", "limit": None, "versions": {"python": "3"}}


def sample(index: int) -> Sample:
    return Sample(Key("none", "forget", index), "pass", f"answer {index}", {"loss": 0.5})


def test_samples_are_there_when_the_folder_is_opened_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "out", CONFIG)
    store.add([sample(0), sample(1)])
    store.close()
    again = Store(tmp_path / "out", CONFIG)
    again.close()
    assert again.samples == {s.key: s for s in (sample(0), sample(1))}


def test_a_last_line_cut_short_is_dropped_and_written_over(tmp_path: Path) -> None:
    store = Store(tmp_path, CONFIG)
    store.add([sample(0), sample(1)])
    store.close()
    path = tmp_path / SAMPLES
    path.write_bytes(path.read_bytes()[:-9])
    assert list(read_samples(tmp_path)) == [sample(0).key]
    store = Store(tmp_path, CONFIG)
    assert list(store.samples) == [sample(0).key]
    store.add([sample(2)])
    store.close()
    assert list(read_samples(tmp_path)) == [sample(0).key, sample(2).key]


def test_a_bad_line_elsewhere_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path, CONFIG)
    store.close()
    (tmp_path / SAMPLES).write_text(sample(0).line() + "{}\n" + sample(1).line())
    with pytest.raises(BadRun, match=r"samples\.jsonl:2: not a sample"):
        Store(tmp_path, CONFIG)


def test_a_folder_of_another_configuration_is_refused_by_what_differs(tmp_path: Path) -> None:
    Store(tmp_path, CONFIG).close()
    with pytest.raises(BadRun, match="with another limit, seed;"):
        Store(tmp_path, CONFIG | {"limit": 3, "seed": 1})


def test_a_full_disk_is_said_and_what_was_there_stays_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path, CONFIG)
    store.add([sample(0)])

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(BadRun, match="No space left on device"):
            store.add([sample(1)])
    assert list(read_samples(tmp_path)) == [sample(0).key]
    store.add([sample(2)])
    store.close()
    assert list(read_samples(tmp_path)) == [sample(0).key, sample(2).key]


def test_a_path_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(BadRun, match="cannot be written"):
        Store(tmp_path / "out", CONFIG)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRun, match="no run is here"):
        read_samples(tmp_path)
