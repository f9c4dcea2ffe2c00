"""Recomputes the aggregates of a reference implementation's log from its per-sample values alone."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from eval.core.errors import BadLog
from eval.rescore import muse, openunlearning, tofu
from eval.rescore.log import Scores, read_log, refuse_same
from eval.rescore.muse import summarise_muse
from eval.rescore.openunlearning import summarise_openunlearning
from eval.rescore.tofu import summarise_tofu


class Format(StrEnum):
    """The format of a log: open-unlearning's, the original TOFU repository's, or the MUSE authors'."""

    OPENUNLEARNING = "openunlearning"
    TOFU = "tofu"
    MUSE = "muse"


def rescore(log: Path, retain_log: Path | None = None, format: Format | None = None) -> Scores:
    """Return every aggregate that the log's own summary has; detect the format if it is not given.

    `log` and `retain_log` are `.json` or `.json.gz` files, for MUSE also the folder of a run. Raises BadLog if one
    cannot be read or has another format, or both are the same, RetainLogRequired if a metric of the log needs the
    missing retain log.
    """
    format = format or _format(log)
    if retain_log is not None:
        refuse_same(log, retain_log)
    if format is Format.MUSE:
        return summarise_muse(muse.read(log), muse.read(retain_log) if retain_log else None)
    root, retain = read_log(log), read_log(retain_log) if retain_log else None
    if format is Format.TOFU:
        tasks = {task: tofu.read(root, task) for task in tofu.TofuTask}
        return summarise_tofu(tasks, tofu.read(retain, tofu.TofuTask.FORGET) if retain else None)
    return summarise_openunlearning(openunlearning.read(root), openunlearning.read(retain) if retain else None)


def _format(log: Path) -> Format:
    if log.is_dir():
        return Format.MUSE
    root = read_log(log)
    known = {Format.TOFU: tofu, Format.OPENUNLEARNING: openunlearning, Format.MUSE: muse}
    for format, reader in known.items():
        if reader.recognises(root):
            return format
    raise BadLog(f"{log}: not a log of open-unlearning, of the TOFU repository or of MUSE")
