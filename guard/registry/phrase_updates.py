"""Makes the phrases of stored targets again once the rules that make them have changed."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace

from guard.registry.database import Connection, Database
from guard.registry.records import TARGET_COLUMNS, target_of
from guard.targets.phrases import phrases, variants
from guard.targets.rules import rules_version
from guard.targets.target import ForgetTarget

log = logging.getLogger(__name__)

BATCH_TARGETS = 100
"""Targets whose phrases are made again in one transaction: a start that is interrupted goes on after them."""
LOG_PERIOD_S = 10.0


def update_phrases(database: Database) -> int:
    """Make the phrases and variants of active targets again that other rules made; return of how many.

    Nothing else of them changes: revisions, times and the audit log stay. A target that the rules cannot read
    keeps what it has.
    """
    done, logged = 0, time.monotonic()
    while outdated := _outdated(database):
        made = list(map(_made_again, outdated))
        with database.writing() as connection:
            _write(connection, made)
        done += len(made)
        if time.monotonic() - logged >= LOG_PERIOD_S:
            logged = time.monotonic()
            log.info("phrases by the rules of this version: %d targets are done", done)
    if done:
        database.scrub()
    return done


def _outdated(database: Database) -> list[ForgetTarget]:
    with database.reading() as connection:
        rows = connection.execute(
            f"SELECT {TARGET_COLUMNS} FROM targets WHERE state = 'active' AND rules != ? ORDER BY seq LIMIT ?",
            (rules_version(), BATCH_TARGETS),
        )
        return [target_of(connection, row) for row in rows]


def _made_again(target: ForgetTarget) -> ForgetTarget:
    try:
        found = phrases(target.draft)
        other = variants(target.draft, found)
    except Exception as error:
        log.warning("%s keeps the phrases of earlier rules: %s", target.id, type(error).__name__)
        return target
    forbidden, changed = (phrase.text for phrase in found), (variant.text for variant in other)
    return replace(target, forbidden=tuple(forbidden), variants=tuple(changed))


def _write(connection: Connection, made: Sequence[ForgetTarget]) -> None:
    stored = connection.texts.stored(connection, made, new=False)
    connection.executemany(
        """UPDATE targets SET draft = ?, forbidden = ?, variants = ?, sealed = ?, rules = ?
           WHERE id = ? AND revision = ? AND state = 'active'""",
        [
            (
                texts.draft,
                texts.forbidden,
                texts.variants,
                texts.sealed,
                rules_version(),
                target.id,
                target.revision,
            )
            for target, texts in zip(made, stored, strict=True)
        ],
    )
