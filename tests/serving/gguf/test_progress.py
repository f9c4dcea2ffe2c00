from __future__ import annotations

import io
from threading import Event

import pytest
from rich.console import Console

from serving.gguf import progress as module
from serving.gguf.progress import progress


class Lines(io.StringIO):
    """A stream that is no terminal, and says when a line with a text was written."""

    def __init__(self, awaited: str) -> None:
        super().__init__()
        self.awaited, self.seen = awaited, Event()

    def flush(self) -> None:
        if self.awaited in self.getvalue():
            self.seen.set()


def test_without_a_terminal_lines_say_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOG_PERIOD_S", 0.001)
    stream = Lines("converting (once): reading the weights, ")
    with progress("converting (once)", Console(file=stream)) as say:
        say("reading the weights")
        assert stream.seen.wait(5)
    written = stream.getvalue()
    assert stream.getvalue() == written


def test_what_is_quick_says_nothing() -> None:
    stream = Lines("")
    with progress("converting (once)", Console(file=stream)) as say:
        say("reading")
    assert stream.getvalue() == ""
