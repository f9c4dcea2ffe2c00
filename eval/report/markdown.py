"""The report as Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from eval.core.cell import Cell, ColumnGroup
from eval.report.results import Results


def markdown(results: Results, columns: Sequence[ColumnGroup]) -> str:
    """Return the tables of a result, with the notes of each below it, the command and the configuration."""
    config = results.config
    lines = [f"# {str(config['benchmark']).upper()} {config['split']}: {config['model']}", ""]
    lines += [f"`{results.command}`", ""]
    for convention, runs in results.tables.items():
        if len(results.tables) > 1:
            lines += [f"## {convention}", ""]
        for block in columns:
            lines += table(block, runs)
    lines += ["## Configuration", "", "```json", json.dumps(dict(config), indent=2), "```", ""]
    return "\n".join(lines)


def table(block: ColumnGroup, runs: Mapping[str, Mapping[str, Cell]]) -> list[str]:
    """Return the lines of one table with its notes; none when no run has any of its metrics."""
    columns = {head: name for head, name in block.columns.items() if any(name in cells for cells in runs.values())}
    if not columns:
        return []
    lines = [f"### {block.title}", "", f"| | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    notes: dict[str, int] = {}
    for run, cells in runs.items():
        shown = [_marked(cells.get(name), notes) for name in columns.values()]
        lines.append(f"| {run} | {' | '.join(shown)} |")
    lines += ["", *(f"[{number}] {note}  " for note, number in notes.items()), ""]
    return lines


def _marked(cell: Cell | None, notes: dict[str, int]) -> str:
    if cell is None:
        return ""
    if not cell.note:
        return cell.text
    return f"{cell.text} [{notes.setdefault(cell.note, len(notes) + 1)}]"
