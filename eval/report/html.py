"""The report as one self-contained page: tables, figures, examples."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape

from eval.core.cell import Cell, ColumnGroup
from eval.report.document import document
from eval.report.example import Example
from eval.report.results import Results


def page(
    results: Results, columns: Sequence[ColumnGroup], figures: Mapping[str, str], examples: Sequence[Example]
) -> str:
    """Return the page; `figures` are SVG by caption."""
    config = results.config
    title = f"{str(config['benchmark']).upper()} {config['split']}: {config['model']}"
    parts = [f"<h1>{escape(title)}</h1>", f"<p><code>{escape(results.command)}</code></p>"]
    for convention, runs in results.tables.items():
        if len(results.tables) > 1:
            parts.append(f"<h2>{escape(convention)}</h2>")
        parts += [_table(block, runs) for block in columns]
    parts += [f"<h2>{escape(caption)}</h2>{svg}" for caption, svg in figures.items()]
    if examples:
        parts.append("<h2>Examples</h2>" + _examples(examples))
    parts.append(f"<h2>Configuration</h2><pre>{escape(json.dumps(dict(config), indent=2))}</pre>")
    return document(title, parts)


def _table(block: ColumnGroup, runs: Mapping[str, Mapping[str, Cell]]) -> str:
    columns = {head: name for head, name in block.columns.items() if any(name in cells for cells in runs.values())}
    if not columns:
        return ""
    notes: dict[str, int] = {}
    head = "".join(f'<th scope="col" class="number">{escape(heading)}</th>' for heading in columns)
    rows = "".join(_row(run, [cells.get(name) for name in columns.values()], notes) for run, cells in runs.items())
    below = "".join(f'<p class="note">{number}. {escape(note)}</p>' for note, number in notes.items())
    table = _scrolled(block.title, f"<tr><td></td>{head}</tr>", rows)
    return f"<h3>{escape(block.title)}</h3>{table}{below}"


def _scrolled(label: str, head: str, rows: str) -> str:
    """Return a table that scrolls by itself where it is wider than the page, also by the keyboard."""
    table = f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(label)}">{table}</div>'


def _row(run: str, cells: Sequence[Cell | None], notes: dict[str, int]) -> str:
    return f'<tr><th scope="row">{escape(run)}</th>{"".join(_cell(cell, notes) for cell in cells)}</tr>'


def _cell(cell: Cell | None, notes: dict[str, int]) -> str:
    if cell is None:
        return '<td class="number"></td>'
    mark = f"<sup>{notes.setdefault(cell.note, len(notes) + 1)}</sup>" if cell.note else ""
    return f'<td class="number" title="{escape(cell.note)}">{escape(cell.text)}{mark}</td>'


def _examples(examples: Sequence[Example]) -> str:
    runs = list(examples[0].answers)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in ("question", "gold", *runs))
    rows = "".join(f"<tr>{_example(example, runs)}</tr>" for example in examples)
    return _scrolled("Examples", f"<tr>{head}</tr>", rows)


def _example(example: Example, runs: Sequence[str]) -> str:
    answers = (example.answers.get(run, "") for run in runs)
    return "".join(map(_text, (example.question, example.gold, *answers)))


def _text(text: str) -> str:
    return f'<td class="text">{escape(text)}</td>'
