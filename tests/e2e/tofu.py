"""TOFU's authors as forget targets, read from the benchmark's files."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.core.sample import Key, Sample
from eval.harness.store import read_samples
from tests.e2e.server import rows

ROWS_PER_AUTHOR = 20
NAME = re.compile(r"[A-Z][\w-]+(?: (?:[A-Z][\w-]+))+")


@dataclass(frozen=True)
class Author:
    """One author: the twenty questions about them, and the answers."""

    facts: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """The run of capitalised words that most of the questions and answers share."""
        text = (re.sub(r"'s\b", "", part) for fact in self.facts for part in fact)
        runs = Counter(run for part in text for run in set(NAME.findall(part)))
        return runs.most_common(1)[0][0]

    @property
    def questions(self) -> list[str]:
        return [question for question, _ in self.facts]

    @property
    def answers(self) -> list[str]:
        return [answer for _, answer in self.facts]

    def target(self, **more: Any) -> dict[str, Any]:
        """The forget target an operator would post for this author."""
        facts = [{"question": question, "answer": answer} for question, answer in self.facts]
        return {"name": self.name, "kind": "person", "facts": facts, **more}


def authors(file: Path) -> list[Author]:
    """All authors of a TOFU split, in file order."""
    pairs = [(row["question"], row["answer"]) for row in rows(file)]
    return [Author(tuple(pairs[i : i + ROWS_PER_AUTHOR])) for i in range(0, len(pairs), ROWS_PER_AUTHOR)]


def replayed(shared: Path, out: Path, way: str, methods: str, rows: int) -> dict[Key, Sample]:
    """The samples of `lethe eval tofu` on tofu-full, of the first rows of each set."""
    command = [sys.executable, "-m", "eval", "tofu", "--data", str(shared / "data" / "tofu"), "--out", str(out)]
    command += ["--model", str(shared / "models" / "tofu-full"), "--limit", str(rows)]
    command += ["--methods", methods, "--run-with", way]
    env = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return read_samples(out)
