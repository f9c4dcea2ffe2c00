from __future__ import annotations

import json
import re

from eval.benchmarks.tofu import Tofu
from eval.core.cell import Cell
from eval.report.document import STYLE
from eval.report.html import page
from eval.report.markdown import markdown
from eval.report.results import Results


def results(**runs: dict[str, Cell]) -> Results:
    config = {"benchmark": "tofu", "split": "forget10", "model": "toy"}
    return Results(config, "lethe eval tofu", 1.0, {"none": 3}, {"open_unlearning": runs})


def test_markdown_has_a_row_for_each_run_and_the_reasons_below() -> None:
    text = markdown(
        results(none={"forget_rouge": Cell(0.5)}, decline={"forget_rouge": Cell(None, "not <b>here</b>")}),
        Tofu.columns,
    )
    assert "| none | 0.500 |" in text
    assert "| decline | — [1] |" in text
    assert "[1] not <b>here</b>" in text


def test_the_page_needs_nothing_from_elsewhere_and_escapes_what_it_shows() -> None:
    html = page(results(none={"forget_rouge": Cell(None, "not <b>here</b>")}), Tofu.columns, {"f": "<svg/>"}, [])
    assert "http" not in html
    assert "src=" not in html
    assert "<b>here" not in html


def test_the_document_is_strict_json() -> None:
    document = results(none={"forget_rouge": Cell(0.5, "n")}).json()
    text = json.dumps(document, allow_nan=False)
    assert json.loads(text)["tables"]["open_unlearning"]["none"]["forget_rouge"] == {"value": 0.5, "note": "n"}


def test_tables_have_heads_for_rows_and_columns_and_scroll_by_themselves() -> None:
    html = page(results(none={"forget_rouge": Cell(0.5)}), Tofu.columns, {}, [])
    assert '<th scope="row">none</th>' in html
    assert re.search(r'<thead><tr><td></td>(<th scope="col" class="number">[^<]+</th>)+</tr></thead>', html)
    assert re.search(r'<div class="scroll" role="region" tabindex="0" aria-label="[^"]+"><table>', html)


def test_the_page_has_the_style_of_the_site_for_light_dark_and_paper() -> None:
    html = page(results(none={"forget_rouge": Cell(0.5)}), Tofu.columns, {}, [])
    assert STYLE.read_text("utf-8") in html
    for rule in ("color-scheme: light dark", "@media print", "@page { size: A4"):
        assert rule in html
