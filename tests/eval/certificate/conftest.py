from __future__ import annotations

from datetime import datetime

import pytest

from eval.certificate.target import CertifiedTarget
from guard.targets.target import Fact

BORN = Fact(
    question="Where was Orla Quennbeck born?", answer="Orla Quennbeck was born in the village of Tarnhollow."
)


@pytest.fixture
def target() -> CertifiedTarget:
    return CertifiedTarget(
        id="ft_1",
        revision=3,
        since=datetime.fromisoformat("2031-01-31T10:00:00Z"),
        kind="person",
        mode="enforce",
        scope="contextual",
        methods=("guard",),
        basis="",
        external_ref="",
        name="Orla Quennbeck",
        aliases=("Orla",),
        facts=(BORN,),
        passages=(),
        forbidden=("Orla Quennbeck", "Tarnhollow"),
    )
