from __future__ import annotations

import typer
from typer.testing import CliRunner

from eval.cli.phrases import app as phrases


def test_the_report_ends_with_the_totals() -> None:
    app = typer.Typer()
    app.add_typer(phrases, name="phrases")
    app.command("other")(lambda: None)
    done = CliRunner().invoke(app, ["phrases", "report"])
    assert done.exit_code == 0
    assert done.output.splitlines()[-1].startswith("| all | ")
