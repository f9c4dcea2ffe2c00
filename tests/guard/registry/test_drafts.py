from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from guard.registry import drafts
from guard.registry.drafts import load_words, new_target
from guard.targets.target import Draft


def test_a_target_that_is_added_while_lists_are_loaded_waits_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads that load them at once take twice the time of the first, which is seconds."""
    begun, goes_on = threading.Event(), threading.Event()
    extracted: list[str] = []

    def phrases(draft: Draft) -> Sequence[object]:
        extracted.append(draft.name)
        begun.set()
        assert goes_on.wait(20)
        return ()

    monkeypatch.setattr(drafts, "phrases", phrases)
    monkeypatch.setattr(drafts, "variants", lambda draft, found: ())
    loading = threading.Thread(target=load_words)
    adding = threading.Thread(target=new_target, args=(Draft(name="Orla Venn"),))
    loading.start()
    assert begun.wait(20)
    adding.start()
    adding.join(0.1)
    assert extracted == ["Ilsabet Quorne"]
    goes_on.set()
    for thread in (loading, adding):
        thread.join(20)
    assert extracted == ["Ilsabet Quorne", "Orla Venn"]
