from __future__ import annotations

from datetime import UTC, datetime

from guard.detection.target_texts import Form, Row, rows_of
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
    assert rows_of(target(venn)) == (
        Row(Form.NAME, "orla venn"),
        Row(Form.NAME, "the heron"),
        Row(Form.QUESTION, "where was she born?"),
        Row(Form.FACT, "where was she born? in tarn."),
        Row(Form.QUESTION, "what does she keep?"),
        Row(Form.FACT, "what does she keep? she keeps some forty hives of bees."),
        Row(Form.STATEMENT, "she keeps some forty hives of bees."),
        Row(Form.STATEMENT, "she sings."),
        Row(Form.PASSAGE, " ".join(f"w{number}" for number in range(20))),
        Row(Form.PREFIX, " ".join(f"w{number}" for number in range(16))),
    )


def test_a_text_is_a_row_once_and_a_long_one_is_cut() -> None:
    rows = rows_of(target(Draft(name="Orla Venn", aliases=("ORLA VENN",), passages=("word " * 100,))))
    assert [row.form for row in rows].count(Form.NAME) == 1
    assert len({row.text for row in rows}) == len(rows)
    assert all(len(row.text.split()) <= 64 for row in rows)
