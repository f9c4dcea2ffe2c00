"""`make demo-recording`: record README's "Sixty seconds" as one picture of a terminal.

Commands, and what they printed, appear as they did in the run that was recorded. It is an SVG animated by CSS,
without script, and nothing in it is loaded from elsewhere. Where animations are not wanted
(`prefers-reduced-motion`), and on paper, all of it stands there from the beginning.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Sequence
from html import escape, unescape
from pathlib import Path
from typing import NamedTuple

from tests.e2e.real_model.tour import ROOT, TARGET_ID, Step, model, run, steps
from tests.e2e.server import serving

FILE = ROOT / "docs" / "demo.svg"
COLUMNS = 100
MAX_BYTES = 200_000
_LINE_PX, _COLUMN_PX, _MARGIN_PX = 18, 7.85, 16
_TYPING_S = 0.8
"""Seconds that a command is shown before it runs; its output comes as much later as the command took."""
_STYLE = (
    "text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre;"
    "fill:#d7dde2}.command{fill:#9fd6a4;font-weight:600}g{animation:appear .01s both}"
    "@keyframes appear{from{visibility:hidden}to{visibility:visible}}"
    "@media print,(prefers-reduced-motion:reduce){g{animation:none}}"
)
_TEXT = re.compile(r'<text class="(command|output)(| more)"[^>]*>(.*?)</text>', re.S)


class Recorded(NamedTuple):
    """A step of the tour, and how many seconds its command took."""

    step: Step
    seconds: float


def picture(recorded: Sequence[Recorded]) -> str:
    """Return the recording as SVG."""
    parts: list[str] = []
    row, at = 0, 0.0
    for (command, output), seconds in recorded:
        for kind, text, wait in (("command", f"$ {command}", _TYPING_S), ("output", output, seconds)):
            lines = [] if kind == "output" and not text else _lines(kind, text, row)
            parts.append(f'<g style="animation-delay:{at:.1f}s">{"".join(lines)}</g>')
            row, at = row + len(lines), at + wait
        row += 1
    width, height = round(COLUMNS * _COLUMN_PX + 2 * _MARGIN_PX), row * _LINE_PX + 2 * _MARGIN_PX
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    label = 'role="img" aria-label="A terminal: the commands of README, and what they print"'
    ground = '<rect width="100%" height="100%" rx="8" fill="#14181b"/>'
    shown = f"<style>{_STYLE}</style>{ground}{''.join(parts)}"
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {label}>{shown}</svg>\n'


def steps_of(svg: str) -> list[Step]:
    """Return the steps that a recording shows."""
    found: list[Step] = []
    for kind, more, shown in _TEXT.findall(svg):
        text = unescape(shown)
        if kind == "command" and text.startswith("$ "):
            found.append(Step(text.removeprefix("$ "), ""))
            continue
        before = found[-1]
        joint = "" if more or (kind == "output" and not before.output) else "\n"
        member = {kind: getattr(before, kind) + joint + text}
        found[-1] = before._replace(**member)
    return found


def _lines(kind: str, text: str, row: int) -> list[str]:
    """Return the lines of a text from this row on, broken where the terminal ends."""
    lines = []
    for line in text.split("\n"):
        for start in range(0, max(len(line), 1), COLUMNS):
            more = " more" if start else ""
            y = _MARGIN_PX + (row + len(lines) + 1) * _LINE_PX - 5
            shown = escape(line[start : start + COLUMNS])
            lines.append(f'<text class="{kind}{more}" x="{_MARGIN_PX}" y="{y}">{shown}</text>')
    return lines


def with_steps(readme: str, shown: Sequence[Step]) -> str:
    """Return README with these steps in the place of those that it has."""
    before, block, *after = readme.split("## Sixty seconds")[1].split("```")
    parts = re.split(r"^(?=\$ )", block, flags=re.M)
    pieces = [parts[0]]
    for part, (command, output) in zip(parts[1:], shown, strict=True):
        gap = part[len(part.rstrip()) :]
        pieces.append(f"$ {command}\n{output}".rstrip() + gap)
    head = readme.split("## Sixty seconds")[0]
    return f"{head}## Sixty seconds{'```'.join([before, ''.join(pieces), *after])}"


def main() -> None:
    """Record the tour, and put what was printed into README too, so that both are of one run."""
    path = ROOT / "README.md"
    readme = path.read_text(encoding="utf-8")
    told, recorded = steps(readme), list[Recorded]()
    with (
        tempfile.TemporaryDirectory(prefix="lethe-tour-") as folder,
        serving(Path(folder), "--model", model(readme)) as server,
    ):
        began = time.monotonic()
        for step in run(told, server, ROOT):
            now = time.monotonic()
            recorded.append(Recorded(step, now - began))
            began = now
    shown = [Step(_renamed(step.command, told, recorded), step.output) for step, _ in recorded]
    FILE.write_text(
        picture([Recorded(one, took) for one, (_, took) in zip(shown, recorded, strict=True)]), "utf-8"
    )
    path.write_text(with_steps(readme, shown), encoding="utf-8")


def _renamed(command: str, told: Sequence[Step], recorded: Sequence[Recorded]) -> str:
    """Return a command with the ids that the server gave in this run."""
    pairs = [(old.output, new.output) for old, (new, _) in zip(told, recorded, strict=True)]
    ids = {
        a: b for old, new in pairs for a, b in zip(TARGET_ID.findall(old), TARGET_ID.findall(new), strict=False)
    }
    return TARGET_ID.sub(lambda match: ids.get(match[0], match[0]), command)


if __name__ == "__main__":
    main()
