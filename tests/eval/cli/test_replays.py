from __future__ import annotations

from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from eval.cli.app import app

EVERY = {"data", "out", "model", "methods", "limit", "seed", "dtype", "device", "run_with"}
ENDPOINT = {"retain_model", "endpoint", "score_url"}
LOGIT_DIFFERENCE = {"assistant", "alpha", "filter_rate", "dd_retain", "dd_forget", "dd_alpha", "dd_rank"}


def options(name: str) -> dict[str, Any]:
    command = get_command(app).get_command(None, name)  # type: ignore[attr-defined]
    return {option.name: option for option in command.params}


@pytest.mark.parametrize(
    ("name", "more", "methods"),
    [
        ("tofu", ENDPOINT | LOGIT_DIFFERENCE | {"split", "authors"}, "none,icu,keyword,decline,guard"),
        ("muse", ENDPOINT | {"corpus"}, "none,decline,guard"),
        ("rwku", set(), "none,icu,decline,guard"),
        ("wpu", set(), "none,decline,guard"),
    ],
)
def test_a_benchmark_has_the_options_that_it_can_use(name: str, more: set[str], methods: str) -> None:
    found = options(name)
    assert found.keys() == EVERY | more
    assert found["methods"].default == methods
    assert {option for option in found if found[option].required} == {"data", "out"} | (
        set() if "endpoint" in more else {"model"}
    )
    assert (found["limit"].default, found["dtype"].default) == (0, "float32")
    assert found["run_with"].default == "reference"


def test_the_filter_rate_has_its_short_name() -> None:
    assert options("tofu")["filter_rate"].opts == ["--filter"]


def test_what_cannot_be_asked_of_an_endpoint_is_not_asked_of_one() -> None:
    given = ["rwku", "--data", "d", "--out", "o", "--model", "m", "--run-with", "endpoint"]
    assert CliRunner().invoke(app, given).exit_code == 2


def test_the_help_lists_benchmarks_and_other_commands() -> None:
    text = CliRunner().invoke(app, ["--help"]).stdout
    for name in ("tofu", "muse", "rwku", "wpu", "attacks", "compare"):
        assert f" {name} " in text
