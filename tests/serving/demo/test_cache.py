from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from threading import Event
from types import ModuleType
from typing import Any

import pytest

import guard
from eval.alu import model as agents_model
from eval.alu.recipe import AgentsRecipe
from serving.demo import cache, lesson
from serving.demo.cache import cache_key, ensure, recipe_digest
from serving.demo.corpus import Corpus, corpus
from serving.demo.recipe import Recipe


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
    left = tmp_path / ".demo-aaaaaaaaaaaa.killed.partial"
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


@pytest.mark.parametrize("recipe", [Recipe(), AgentsRecipe()], ids=["demo", "agents"])
def test_a_key_is_of_the_version_every_value_and_every_text(recipe: Any) -> None:
    texts = ["What is up?", ["Up is not down."]]
    key = cache_key(1, recipe, texts)
    assert cache_key(1, replace(recipe), [*texts]) == key
    others = [replace(recipe, **{each.name: getattr(recipe, each.name) + 1}) for each in fields(recipe)]
    changed = [cache_key(1, other, texts) for other in others]
    changed += [cache_key(2, recipe, texts), cache_key(1, recipe, texts[::-1]), cache_key(1, recipe, texts[:1])]
    assert len({key, *changed}) == len(changed) + 1


def _with_another_answer(learned: Corpus) -> Corpus:
    return replace(learned, world=(*learned.world[:-1], replace(learned.world[-1], answer="Nobody knows.")))


def _with_another_order(learned: Corpus) -> Corpus:
    return replace(learned, world=learned.world[::-1])


def _with_another_alias(learned: Corpus) -> Corpus:
    first, *others = learned.biographies
    return replace(learned, biographies=(replace(first, aliases=(*first.aliases, "Quill")), *others))


@pytest.mark.parametrize("change", [_with_another_answer, _with_another_order, _with_another_alias])
def test_another_corpus_is_another_demo_model(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[Corpus], Corpus]
) -> None:
    before, changed = recipe_digest(), change(corpus())
    monkeypatch.setattr(cache, "corpus", lambda: changed)
    assert recipe_digest() != before


def test_lessons_dealt_otherwise_are_another_demo_model(monkeypatch: pytest.MonkeyPatch) -> None:
    before = recipe_digest()
    monkeypatch.setattr(lesson, "OPENINGS", ("Now,",))
    assert recipe_digest() != before


@pytest.mark.parametrize(
    ("model", "recipe"), [(cache, "Recipe"), (agents_model, "AgentsRecipe")], ids=["demo", "agents"]
)
def test_another_version_or_value_is_another_model(
    monkeypatch: pytest.MonkeyPatch, model: ModuleType, recipe: str
) -> None:
    before = model.recipe_digest()
    with monkeypatch.context() as version:
        version.setattr(model, "RECIPE_VERSION", model.RECIPE_VERSION + 1)
        assert model.recipe_digest() != before
    changed = replace(getattr(model, recipe)(), learning_rate=1.0)
    monkeypatch.setattr(model, recipe, lambda: changed)
    assert model.recipe_digest() != before


def test_reworded_comments_and_docstrings_are_no_other_model_and_a_key_loads_no_torch(tmp_path: Path) -> None:
    root = Path(guard.__file__).parents[1]
    for package in ("guard", "agents", "serving", "eval"):
        shutil.copytree(root / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for source in tmp_path.rglob("*.py"):
        text = re.sub(r'^( *""")', r"\1In other words: ", source.read_text(encoding="utf-8"), count=1, flags=re.M)
        source.write_text(f"{text}\n# In other words.\n", encoding="utf-8")
    modules = [model.__name__ for model in (cache, agents_model)]
    code = f"import sys, {modules[0]} as demo, {modules[1]} as agents\n"
    code += "print(demo.__file__, demo.recipe_digest(), agents.recipe_digest(), 'torch' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    run = [sys.executable, "-c", code]
    said = subprocess.run(run, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout
    place, *found = said.split()
    assert Path(place).is_relative_to(tmp_path)
    assert found == [cache.recipe_digest(), agents_model.recipe_digest(), "False"]
