from __future__ import annotations

from datetime import UTC, datetime

from guard.detection.target_texts import TargetText, TextForm, target_texts
from guard.targets.target import Draft, Fact, ForgetTarget, State


def target(draft: Draft) -> ForgetTarget:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return ForgetTarget(
        id="ft_1", draft=draft, state=State.ACTIVE, revision=1, forbidden=(), created_at=now, updated_at=now
    )


def test_a_target_is_found_by_name_alias_question_answer_and_passage() -> None:
    venn = Draft(
        name="Orla Venn",
        aliases=("The Heron",),
        facts=(
            Fact(question="Where was she born?", answer="In Tarn."),
            Fact(question="What does she keep?", answer="She keeps some forty hives of bees."),
            Fact(answer="She sings."),
        ),
        passages=(" ".join(f"w{number}" for number in range(20)),),
    )
    assert target_texts(target(venn)) == (
        TargetText(TextForm.NAME, "orla venn"),
        TargetText(TextForm.NAME, "the heron"),
        TargetText(TextForm.QUESTION, "where was she born?"),
        TargetText(TextForm.FACT, "where was she born? in tarn."),
        TargetText(TextForm.QUESTION, "what does she keep?"),
        TargetText(TextForm.FACT, "what does she keep? she keeps some forty hives of bees."),
        TargetText(TextForm.STATEMENT, "she keeps some forty hives of bees."),
        TargetText(TextForm.STATEMENT, "she sings."),
        TargetText(TextForm.PASSAGE, " ".join(f"w{number}" for number in range(20))),
        TargetText(TextForm.PREFIX, " ".join(f"w{number}" for number in range(16))),
    )


def test_a_text_occurs_once_and_a_long_one_is_cut() -> None:
    rows = target_texts(target(Draft(name="Orla Venn", aliases=("ORLA VENN",), passages=("word " * 100,))))
    assert [row.form for row in rows].count(TextForm.NAME) == 1
    assert len({row.text for row in rows}) == len(rows)
    assert all(len(row.text.split()) <= 64 for row in rows)
