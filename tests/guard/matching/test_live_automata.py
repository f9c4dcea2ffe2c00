from __future__ import annotations

from pathlib import Path

import pytest

from guard.errors import PolicyUnavailable
from guard.matching.live_automata import FILE_NAME, Live, LiveAutomata, publish

ONE, OTHER = "1" * 64, "2" * 64


def test_what_is_published_is_polled_once(tmp_path: Path) -> None:
    live = LiveAutomata(tmp_path)
    assert live.poll() is None
    publish(tmp_path, [ONE, OTHER])
    assert live.poll() == Live((ONE, OTHER))
    assert live.poll() is None


def test_an_unchanged_list_is_not_polled_again(tmp_path: Path) -> None:
    publish(tmp_path, [ONE])
    live = LiveAutomata(tmp_path)
    assert live.poll() == Live((ONE,))
    publish(tmp_path, [ONE])
    assert live.poll() is None


def test_an_empty_list_is_polled(tmp_path: Path) -> None:
    publish(tmp_path, [ONE])
    live = LiveAutomata(tmp_path)
    live.poll()
    publish(tmp_path, [])
    assert live.poll() == Live()


@pytest.mark.parametrize("content", [b"not a digest\n", b"\xff\xfe", b"@12\n"])
def test_a_damaged_file_is_an_error_until_it_is_repaired(tmp_path: Path, content: bytes) -> None:
    live = LiveAutomata(tmp_path)
    (tmp_path / FILE_NAME).write_bytes(content)
    for _ in range(2):
        with pytest.raises(PolicyUnavailable):
            live.poll()
    (tmp_path / FILE_NAME).unlink()
    publish(tmp_path, [ONE])
    assert live.poll() == Live((ONE,))


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PolicyUnavailable):
        publish(tmp_path / "missing", [ONE])


def test_policy_sets_have_lists_of_their_own(tmp_path: Path) -> None:
    live, staff, public = LiveAutomata(tmp_path), "a" * 16, "b" * 16
    publish(tmp_path, [ONE, OTHER], {staff: [OTHER], public: []})
    found = live.poll()
    assert found == Live((ONE, OTHER), {staff: (OTHER,), public: ()})
    assert found.digests == {ONE, OTHER}
    publish(tmp_path, [ONE, OTHER], {staff: [ONE], public: []})
    assert live.poll() == Live((ONE, OTHER), {staff: (ONE,), public: ()})
