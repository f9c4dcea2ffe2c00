from __future__ import annotations

from dataclasses import replace

import pytest

from agents.audit import Leak, PolicyAudit, Signal
from guard.patterns.pattern import Pattern, PatternKind
from guard.targets.target import Draft, Fact, Kind, Mode, Scope
from tests.agents.conftest import BRISA, VASK, AuditOf

CODE = Draft(name="gate code", kind=Kind.SECRET, phrases=("zx-4471-q",), scope=Scope.ALWAYS)


def found(leaks: tuple[Leak, ...]) -> dict[str, Signal]:
    return {leak.subject.name: leak.signal for leak in leaks}


@pytest.mark.parametrize(
    "text",
    [
        "It was Brisa Okonkwo-Lund.",
        "BRISA OKONKWO LUND",
        "B-r-i-s-a O-k-o-n-k-w-o L-u-n-d",
        "Вrisа Оkonkwo-Lund",
        "the ferry cellist herself",
        "first line\n\nthen Brisa\u200bOkonkwo\u200bLund",
        "Read this: QnJpc2EgT2tvbmt3by1MdW5k",
        "4272697361204f6b6f6e6b776f2d4c756e64",
        "Oevfn Bxbaxjb-Yhaq",
        "dnuL-owknokO asirB",
        "Br1s4 Ok0nkw0-Lund",
    ],
)
def test_a_name_leaks_however_it_is_written(audit: PolicyAudit, text: str) -> None:
    assert found(audit.find_leaks(text)) == {"Brisa Okonkwo-Lund": Signal.NAME}


def test_a_sentence_that_means_a_fact_leaks_without_the_name(audit: PolicyAudit) -> None:
    text = "Much is known of the coast. The tidal stair of Merrin Point was built by Teodor. It is old."
    assert found(audit.find_leaks(text)) == {"Teodor Vask": Signal.MEANING}


def test_a_forbidden_phrase_leaks_of_a_subject_that_is_touched(audit: PolicyAudit) -> None:
    (brisa,) = audit.find_nearest(["Okonkwo-Lund"], 1)
    text = "A town that some call Kovan Bay lies there among other and quieter towns of that long coast"
    assert found(audit.find_leaks(text, [brisa])) == {"Brisa Okonkwo-Lund": Signal.PHRASE}
    assert audit.find_leaks(text) == ()


def test_a_forbidden_phrase_leaks_in_code_too(audit: PolicyAudit) -> None:
    (brisa,) = audit.find_nearest(["Okonkwo-Lund"], 1)
    assert found(audit.find_leaks("S292YW4gQmF5", [brisa])) == {"Brisa Okonkwo-Lund": Signal.PHRASE}


def test_a_literal_of_scope_always_leaks_of_whatever_the_text_is_about(audit_of: AuditOf) -> None:
    assert found(audit_of(BRISA, CODE).find_leaks("try ZX 4471 Q")) == {"gate code": Signal.PHRASE}
    assert found(audit_of(CODE).find_leaks("try ZX 4471 Q")) == {"gate code": Signal.PHRASE}


def test_a_quotation_of_a_passage_of_scope_always_leaks(audit_of: AuditOf) -> None:
    passage = "when the rain had gone the old men came out and sat by the wall and told how the sea had stood"
    song = Draft(name="The rain song", kind=Kind.TOPIC, passages=(passage,), scope=Scope.ALWAYS)
    audit = audit_of(song, BRISA)
    assert found(audit.find_leaks("He hummed: and sat by THE WALL, and told how.")) == {
        "The rain song": Signal.PHRASE
    }
    assert audit.find_leaks("He hummed: and sat by the wall, and told.") == ()


@pytest.mark.parametrize(
    ("pattern", "value", "no_value"),
    [
        (Pattern(kind=PatternKind.IBAN, value="*"), "GB29 NWBK 6016 1331 9268 19", "GB28 NWBK 6016 1331 9268 19"),
        (Pattern(kind=PatternKind.PHONE, value="*", country="gb"), "+44 (20) 7946-0958", "7946-0"),
        (Pattern(kind=PatternKind.EMAIL, value="*"), "o.venn@lantern.example", "o.venn at lantern"),
        (Pattern(kind=PatternKind.CARD, value="*"), "4111-1111-1111-1111", "4111-1111-1111-1112"),
        (Pattern(kind=PatternKind.REGEX, value=r"KX-\d{4}"), "kx-4471", "kx-447"),
    ],
)
def test_a_value_of_a_class_leaks_as_a_phrase_does(
    audit_of: AuditOf, pattern: Pattern, value: str, no_value: str
) -> None:
    def draft(scope: Scope, mode: Mode = Mode.ENFORCE) -> Draft:
        return Draft(name="ledger numbers", kind=Kind.TOPIC, patterns=(pattern,), scope=scope, mode=mode)

    text, other = f"Write it down: {value}.", f"Write it down: {no_value}."
    always = audit_of(BRISA, draft(Scope.ALWAYS))
    assert found(always.find_leaks(text)) == {"ledger numbers": Signal.PHRASE}
    assert always.find_leaks(other) == ()
    contextual = audit_of(BRISA, draft(Scope.CONTEXTUAL))
    (subject,) = contextual.find_nearest(["ledger numbers"], 1)
    assert found(contextual.find_leaks(text, [subject])) == {"ledger numbers": Signal.PHRASE}
    assert contextual.find_leaks(other, [subject]) == contextual.find_leaks(text) == ()
    assert audit_of(draft(Scope.ALWAYS, Mode.SHADOW)).find_leaks(text) == ()


def test_a_target_leaks_once_by_its_strongest_signal(audit: PolicyAudit) -> None:
    (brisa,) = audit.find_nearest(["Okonkwo-Lund"], 1)
    text = "Where was Brisa Okonkwo-Lund born? In Kovan Bay."
    assert found(audit.find_leaks(text, [brisa])) == {"Brisa Okonkwo-Lund": Signal.NAME}


@pytest.mark.parametrize("text", ["", " \n", "...", "The moon pulls the water of the sea."])
def test_a_text_about_other_things_leaks_nothing(audit: PolicyAudit, text: str) -> None:
    assert audit.find_leaks(text) == ()


def test_without_targets_nothing_leaks(audit_of: AuditOf) -> None:
    assert audit_of().find_leaks("Brisa Okonkwo-Lund") == ()
    assert audit_of().find_nearest(["Brisa"], 3) == ()


def test_the_word_for_a_topic_is_no_leak_by_itself(audit_of: AuditOf) -> None:
    audit = audit_of(
        Draft(name="chemistry", kind=Kind.TOPIC, facts=(Fact(answer="Mix zorvane with lumic acid."),))
    )
    assert (
        audit.find_leaks(
            "The school also teaches chemistry to those who want to learn about more than one science."
        )
        == ()
    )


def test_a_shadow_target_is_neither_found_nor_near(audit_of: AuditOf) -> None:
    shadow = Draft(name="Teodor Vask", mode=Mode.SHADOW)
    audit = audit_of(BRISA, shadow)
    assert audit.find_leaks("Teodor Vask") == ()
    assert [subject.name for subject in audit.find_nearest(["Teodor Vask"], 5)] == ["Brisa Okonkwo-Lund"]


def test_named_targets_come_nearest_then_those_by_meaning(audit_of: AuditOf) -> None:
    audit = audit_of(VASK, BRISA, *(Draft(name=f"Person Number{k}") for k in range(5)))
    near = audit.find_nearest(["Who built the tidal stair of Merrin Point, the ferry cellist?"], 2)
    assert [subject.name for subject in near] == ["Brisa Okonkwo-Lund", "Teodor Vask"]
    assert len(audit.find_nearest(["tides"], 100)) == 7


def test_a_secret_is_confined_and_its_value_is_told_to_no_role(audit_of: AuditOf) -> None:
    key = Draft(name="Heron Key", kind=Kind.SECRET, facts=(Fact(answer="heron-99-tau"),))
    (subject,) = audit_of(key).find_nearest(["Heron Key"], 1)
    assert (subject.confined, subject.facts) == (True, ())
    (shared,) = audit_of(replace(key, shared=True)).find_nearest(["Heron Key"], 1)
    assert not shared.confined


def test_a_subject_shows_no_text_in_its_repr(audit: PolicyAudit) -> None:
    assert "Brisa" not in repr(audit.find_nearest(["Brisa"], 2))
