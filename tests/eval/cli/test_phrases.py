from __future__ import annotations

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from eval.cli.phrases import app as phrases


def run(*args: str) -> Result:
    app = typer.Typer()
    app.add_typer(phrases, name="phrases")
    app.command("other")(lambda: None)
    return CliRunner().invoke(app, ["phrases", "report", *args])


def test_the_report_ends_with_the_totals() -> None:
    done = run()
    assert done.exit_code == 0
    assert done.output.splitlines()[-1].startswith("| all | ")


@pytest.mark.parametrize(("name", "said"), [("tuned_on_7", "no rule is tuned on"), ("tuned", "tuned_on_2")])
def test_errors_are_listed_of_sets_that_rules_were_tuned_on_alone(
    monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.setattr("eval.phrases.labelled_facts.HELD_OUT", ("tuned_on_7",))
    done = run("--errors", name)
    assert done.exit_code == 2
    assert said in done.output
