from __future__ import annotations

from pathlib import Path

import pytest

from guard.errors import PolicyUnavailable
from guard.matching.live_automata import NAME, Standing, publish

ONE, OTHER = "1" * 64, "2" * 64


def test_what_is_published_is_news_once(tmp_path: Path) -> None:
    standing = Standing(tmp_path)
    assert standing.news() is None
    publish(tmp_path, [ONE, OTHER])
    assert standing.news() == (ONE, OTHER)
    assert standing.news() is None


def test_what_is_published_again_is_no_news(tmp_path: Path) -> None:
    publish(tmp_path, [ONE])
    standing = Standing(tmp_path)
    assert standing.news() == (ONE,)
    publish(tmp_path, [ONE])
    assert standing.news() is None


def test_that_nothing_holds_any_more_is_news(tmp_path: Path) -> None:
    publish(tmp_path, [ONE])
    standing = Standing(tmp_path)
    standing.news()
    publish(tmp_path, [])
    assert standing.news() == ()


@pytest.mark.parametrize("content", [b"not a digest\n", b"\xff\xfe"])
def test_a_damaged_file_is_an_error_until_it_is_mended(tmp_path: Path, content: bytes) -> None:
    standing = Standing(tmp_path)
    (tmp_path / NAME).write_bytes(content)
    for _ in range(2):
        with pytest.raises(PolicyUnavailable):
            standing.news()
    (tmp_path / NAME).unlink()
    publish(tmp_path, [ONE])
    assert standing.news() == (ONE,)


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PolicyUnavailable):
        publish(tmp_path / "missing", [ONE])
