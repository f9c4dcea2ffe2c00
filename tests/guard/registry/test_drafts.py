from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import closing

import pytest

from guard.encryption.sealing import new_secret
from guard.registry import drafts
from guard.registry.approval.proposed import Person
from guard.registry.database import Location
from guard.registry.drafts import DraftStanding, Standing, load_words, new_target
from guard.registry.registry import Registry
from guard.targets.target import Draft, Kind, Mode

ADA, BO, CY = (Draft(name=name) for name in ("Ada Quill", "Bo Quill", "Cy Vell"))
ANNE = Person("key_1", "anne")


@pytest.mark.parametrize("encrypted", [False, True])
def test_the_standing_of_drafts_is_what_adding_them_finds(location: Location, encrypted: bool) -> None:
    with closing(Registry(location, new_secret() if encrypted else None)) as registry:
        ada, bo, cy = registry.add_many([ADA, BO, CY])
        registry.revoke(cy.id)
        others = [
            ADA,
            Draft(name="BO QUILL", mode=Mode.SHADOW),
            Draft(name="Bo Quill", kind=Kind.WORK),
            CY,
            Draft(name="cy vell"),
        ]
        standings = registry.standings(others)
        assert standings == [
            DraftStanding(Standing.SAME, ada.id),
            DraftStanding(Standing.CHANGED, bo.id, ("name", "mode")),
            DraftStanding(Standing.NEW),
            DraftStanding(Standing.NEW),
            DraftStanding(Standing.REPEATED),
        ]
        added = registry.add_missing(others)
        assert [target.draft for target in added.targets] == others[2:4]
        assert added.existing[:2] == [one.target_id for one in standings[:2]]


def test_a_draft_that_waits_for_approval_is_there_for_those_who_propose(registry: Registry) -> None:
    waiting = registry.approvals.add_one(ADA, ANNE)
    assert registry.approvals.standings([ADA, BO]) == [
        DraftStanding(Standing.SAME, waiting.id),
        DraftStanding(Standing.NEW),
    ]
    added = registry.approvals.add([ADA, BO], ANNE, lambda draft: True, skip_existing=True)
    assert ([target.draft for target in added.targets], added.existing) == ([BO], [waiting.id])


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


def test_the_names_of_months_are_loaded_with_the_lists() -> None:
    # A process of its own: what other tests have looked up is not looked up again.
    check = (
        "from guard.registry.drafts import load_words\n"
        "from guard.variants.values.months import month_words\n"
        "load_words()\n"
        "assert month_words.cache_info().currsize == 1\n"
    )
    subprocess.run([sys.executable, "-c", check], check=True, timeout=300)
