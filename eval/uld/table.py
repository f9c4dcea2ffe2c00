"""The rows of a sweep as a Markdown table, and as a chart over alpha."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eval.metrics.statistics import SplitScores
from eval.report.svg import Line, chart
from eval.uld.grid import DifferenceMethod
from eval.uld.rows import SweepRow
from serving.assistants.sweeps import SweepPoint


def markdown(rows: Sequence[SweepRow]) -> str:
    """Return the rows, the unprotected model first, as a Markdown table."""
    head = (
        "| | FQ (KS p) | KS D | log TR mean (sd) | MIA loss, gated | utility | of unprotected "
        "| forget prob / ROUGE / TR | retain prob / ROUGE / TR |"
    )
    base = rows[0].utility
    lines = [head, "| --- |" + " --- |" * 8]
    for row in rows:
        utility = "" if row.utility is None else f"{row.utility:.4f}"
        share = "" if row.utility is None or not base else f"{row.utility / base:.4f}"
        name = row.name + (", gated" if row.gated else "")
        spread = f"{row.ratio_mean:.2f} ({row.ratio_spread:.2f})"
        told = (f"{row.forget_quality:.3g}", f"{row.distance:.3f}", spread, f"{row.membership:.3f}")
        cells = (name, *told, utility, share, _triple(row.forget), _triple(row.retain))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def strength_chart(rows: Sequence[SweepRow]) -> str:
    """Return an SVG chart of forget and retain probability over alpha, of the ungated ULD rows; "" without one."""
    groups: dict[str, list[SweepRow]] = {}
    for row in rows:
        if row.setting.method is DifferenceMethod.ULD and not row.gated:
            groups.setdefault(f"{row.setting.assistants[0][:6]} {row.setting.filter_rate:g}", []).append(row)
    series = []
    for name, group in groups.items():
        ordered = sorted(group, key=lambda row: row.setting.strength)
        alphas = [row.setting.strength for row in ordered]
        series.append(Line(f"forget {name}", alphas, [row.forget.probability for row in ordered]))
        retained = [row.retain.probability for row in ordered if row.retain is not None]
        if len(retained) == len(ordered):
            series.append(Line(f"retain {name}", alphas, retained))
    return chart(series, "alpha", "probability of the answer") if series else ""


def sweep_points(rows: Sequence[SweepRow]) -> dict[str, list[SweepPoint]]:
    """Return what the ungated ULD rows have measured of each assistant by itself, by its digest."""
    found: dict[str, list[SweepPoint]] = {}
    for row in rows:
        setting = row.setting
        if setting.method is not DifferenceMethod.ULD or row.gated or setting.gate or len(setting.assistants) != 1:
            continue
        point = SweepPoint(
            alpha=setting.strength,
            filter_rate=setting.filter_rate,
            forget=row.forget.probability,
            retain=row.retain.probability if row.retain else None,
        )
        found.setdefault(setting.assistants[0], []).append(point)
    return found


def _triple(scores: SplitScores | None) -> str:
    if scores is None:
        return ""
    return " / ".join("-" if math.isnan(value) else f"{value:.4f}" for value in scores)
