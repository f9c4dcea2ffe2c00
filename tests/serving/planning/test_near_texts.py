"""What is kept of targets beside the plans that touched them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from guard.matching.near import NearTexts
from guard.registry.drafts import new_target
from guard.targets.target import Draft, Mode
from serving.planning import near_texts
from serving.planning.near_texts import PlanNearTexts


def test_those_that_were_touched_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_texts, "MAX_KNOWN", 2)
    targets = {
        id: new_target(Draft(name=f"Orla {id}wick", phrases=("4 March 1987",)))
        for id in ("Venn", "Dross", "Quorn")
    }
    read: list[str] = []

    def reading(target: SimpleNamespace) -> NearTexts:
        read.append(target.draft.name)
        return near_texts_of(target)

    near_texts_of = near_texts.near_texts
    monkeypatch.setattr(near_texts, "near_texts", reading)
    policy = SimpleNamespace(version=1, targets=targets, near=SimpleNamespace(texts=NearTexts()))
    of = PlanNearTexts()
    for id in ("Venn", "Dross", "Venn", "Quorn", "Venn", "Dross"):
        plan = SimpleNamespace(matches=[SimpleNamespace(target_id=id, mode=Mode.ENFORCE)], supplied={})
        assert len(of.of(policy, plan)) == 1  # type: ignore[arg-type]
    assert read == ["Orla Vennwick", "Orla Drosswick", "Orla Quornwick", "Orla Drosswick"]
