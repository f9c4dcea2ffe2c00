"""The report as one self-contained page: tables, figures, examples."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape

from eval.core.cell import Cell, ColumnGroup
from eval.report.example import Example
from eval.report.results import Results

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:.6rem 0 .3rem;font-variant-numeric:tabular-nums}
th,td{border-bottom:1px solid #ddd;padding:.3rem .7rem;text-align:right}
th:first-child,td:first-child{text-align:left}
td.text{text-align:left;vertical-align:top;max-width:22rem;font-size:13px}
.note{color:#666;font-size:13px;margin:0}code,pre{background:#f5f5f5;padding:.1rem .3rem}pre{overflow:auto}
"""


def page(
    results: Results, columns: Sequence[ColumnGroup], figures: Mapping[str, str], examples: Sequence[Example]
) -> str:
    """Return the page; `figures` are SVG by caption."""
    config = results.config
    title = escape(f"{str(config['benchmark']).upper()} {config['split']}: {config['model']}")
    parts = [f"<h1>{title}</h1>", f"<p><code>{escape(results.command)}</code></p>"]
    for convention, runs in results.tables.items():
        if len(results.tables) > 1:
            parts.append(f"<h2>{escape(convention)}</h2>")
        parts += [_table(block, runs) for block in columns]
    parts += [f"<h2>{escape(caption)}</h2>{svg}" for caption, svg in figures.items()]
    if examples:
        parts.append("<h2>Examples</h2>" + _examples(examples))
    parts.append(f"<h2>Configuration</h2><pre>{escape(json.dumps(dict(config), indent=2))}</pre>")
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def _table(block: ColumnGroup, runs: Mapping[str, Mapping[str, Cell]]) -> str:
    columns = {head: name for head, name in block.columns.items() if any(name in cells for cells in runs.values())}
    if not columns:
        return ""
    notes: dict[str, int] = {}
    head = "".join(f"<th>{escape(heading)}</th>" for heading in columns)
    rows = "".join(
        f"<tr><td>{escape(run)}</td>{''.join(_cell(cells.get(name), notes) for name in columns.values())}</tr>"
        for run, cells in runs.items()
    )
    below = "".join(f'<p class="note">{number}. {escape(note)}</p>' for note, number in notes.items())
    return f"<h3>{escape(block.title)}</h3><table><tr><th></th>{head}</tr>{rows}</table>{below}"


def _cell(cell: Cell | None, notes: dict[str, int]) -> str:
    if cell is None:
        return "<td></td>"
    mark = f"<sup>{notes.setdefault(cell.note, len(notes) + 1)}</sup>" if cell.note else ""
    return f'<td title="{escape(cell.note)}">{escape(cell.text)}{mark}</td>'


def _examples(examples: Sequence[Example]) -> str:
    runs = list(examples[0].answers)
    head = "".join(f"<th>{escape(name)}</th>" for name in ("question", "gold", *runs))
    rows = "".join(f"<tr>{_example(example, runs)}</tr>" for example in examples)
    return f"<table><tr>{head}</tr>{rows}</table>"


def _example(example: Example, runs: Sequence[str]) -> str:
    answers = (example.answers.get(run, "") for run in runs)
    return "".join(map(_text, (example.question, example.gold, *answers)))


def _text(text: str) -> str:
    return f'<td class="text">{escape(text)}</td>'
