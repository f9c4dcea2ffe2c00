from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from eval.demo import cache
from eval.demo.cache import ensure, recipe_digest


def fill(folder: Path) -> None:
    (folder / "weights").write_text("whole")


def test_a_model_is_prepared_once_and_then_found(tmp_path: Path) -> None:
    calls: list[Path] = []

    def prepare(folder: Path) -> None:
        calls.append(folder)
        fill(folder)

    first = ensure(tmp_path / "new", "a" * 64, prepare)
    assert ensure(tmp_path / "new", "a" * 64, prepare) == first
    assert (first / "weights").read_text() == "whole"
    assert len(calls) == 1


def test_another_recipe_is_another_model(tmp_path: Path) -> None:
    assert ensure(tmp_path, "a" * 64, fill) != ensure(tmp_path, "b" * 64, fill)


def test_other_users_may_read_the_model(tmp_path: Path) -> None:
    model = ensure(tmp_path, "a" * 64, fill)
    assert model.stat().st_mode & 0o005
    assert (model / "weights").stat().st_mode & 0o004


def test_a_failed_preparation_leaves_nothing_and_the_next_one_succeeds(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        fill(folder)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        ensure(tmp_path, "a" * 64, fail)
    assert [each.name for each in tmp_path.iterdir()] == [".lock"]
    assert (ensure(tmp_path, "a" * 64, fill) / "weights").exists()


def test_what_a_killed_process_left_is_removed_and_never_served(tmp_path: Path) -> None:
    left = tmp_path / ".half-killed"
    left.mkdir()
    fill(left)
    model = ensure(tmp_path, "a" * 64, fill)
    assert not left.exists()
    assert [each for each in tmp_path.iterdir() if each.is_dir()] == [model]


def test_the_model_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    def prepare(folder: Path) -> None:
        assert not list(tmp_path.glob("demo-*"))
        fill(folder)

    model = ensure(tmp_path, "a" * 64, prepare)
    assert list(tmp_path.glob("demo-*")) == [model]


def test_whoever_comes_second_waits_for_the_first(tmp_path: Path) -> None:
    begun, go = Event(), Event()
    calls: list[str] = []

    def first(folder: Path) -> None:
        calls.append("first")
        begun.set()
        assert go.wait(10)
        fill(folder)

    def second(folder: Path) -> None:
        calls.append("second")
        fill(folder)

    with ThreadPoolExecutor() as pool:
        one = pool.submit(ensure, tmp_path, "a" * 64, first)
        assert begun.wait(10)
        two = pool.submit(ensure, tmp_path, "a" * 64, second)
        assert not two.done()
        go.set()
        assert one.result() == two.result()
    assert calls == ["first"]


def test_the_recipe_is_every_byte_of_code_and_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "demo"
    shutil.copytree(cache.SOURCES, copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = recipe_digest()
    monkeypatch.setattr(cache, "SOURCES", copy)
    assert recipe_digest() == before
    with (copy / "world.json").open("a") as world:
        world.write("\n")
    assert recipe_digest() != before
