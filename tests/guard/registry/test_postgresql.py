"""What holds of a registry in PostgreSQL alone; what holds of every registry: test_registry.py."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from guard.detection.embedder import Embedder
from guard.errors import StoreUnavailable, StoreUnreachable
from guard.policy.compiler import Compiler
from guard.policy.current import Applier, CurrentPolicy
from guard.registry.approval.proposed import Person
from guard.registry.database import PostgresUrl, VectorKey
from guard.registry.registry import Registry
from guard.targets.audit_log import first_broken
from guard.targets.target import Draft
from tests.guard.registry.test_elicitations import SAID
from tests.guard.registry.test_registry import ADA
from tests.postgresql import Cluster

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def url(postgres: Cluster) -> str:
    return postgres.schema().value


def statement(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for each in statements:
            connection.execute(each.encode())


WRITER = """
import sys
from guard.registry.database import PostgresUrl, VectorKey
from guard.registry.registry import Registry
from guard.targets.target import Draft
registry = Registry(PostgresUrl(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for i in range(25):
    target = registry.add(Draft(name=f"Person {sys.argv[2]} {i}"))
    if i % 5 == 0:
        registry.revoke(target.id, 1)
"""


def test_processes_that_write_at_once_leave_versions_without_gap_and_an_unbroken_trail(url: str) -> None:
    command = [sys.executable, "-c", WRITER, url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "cwd": ROOT}
    with subprocess.Popen([*command, "a"], **pipes) as one, subprocess.Popen([*command, "b"], **pipes) as other:
        for writer in (one, other):
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
        for writer in (one, other):
            writer.communicate(b"\n", timeout=60)
        assert (one.returncode, other.returncode) == (0, 0)
    with closing(Registry(PostgresUrl(url))) as registry:
        events = registry.events(limit=1000)
        assert [event.policy_version for event in events] == list(range(1, 61)) == [event.seq for event in events]
        assert first_broken(events) is registry.first_broken_event() is None
        assert registry.snapshot().version == 60
        assert len(registry.active()) == 40


def test_two_servers_that_start_at_once_create_the_schema_once(url: str) -> None:
    command = [sys.executable, "-c", WRITER.partition("print")[0], url]
    starts = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
    assert [start.wait(timeout=60) for start in starts] == [0, 0]


def test_the_schema_of_another_program_is_refused_and_left_alone(url: str) -> None:
    statement(url, "CREATE TABLE migrations (id INTEGER, migration TEXT)")
    with pytest.raises(StoreUnavailable, match="another program"):
        Registry(PostgresUrl(url))
    statement(url, "SELECT migration FROM migrations")
    with pytest.raises(psycopg.errors.UndefinedTable):
        statement(url, "SELECT 1 FROM targets")


def test_a_newer_schema_is_refused(registry: Registry, url: str) -> None:
    statement(url, "INSERT INTO migrations VALUES ('p900_from_the_future', '2040-01-01')")
    with pytest.raises(StoreUnavailable, match="newer version"):
        Registry(PostgresUrl(url))


def test_tables_and_columns_are_those_of_sqlite_which_has_verdicts_in_a_file_of_their_own(
    registry: Registry, url: str, tmp_path: Path
) -> None:
    Registry(tmp_path / "other.db").close()
    with closing(sqlite3.connect(tmp_path / "other.db")) as other, psycopg.connect(url) as connection:
        ours = connection.execute(
            """SELECT table_name, column_name FROM information_schema.columns
               WHERE table_schema = current_schema() AND table_name <> 'verdicts'"""
        ).fetchall()
        theirs = other.execute(
            """SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c
               WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"""
        ).fetchall()
    assert sorted(ours) == sorted(theirs)


@pytest.mark.parametrize("verb", ["UPDATE events SET action = 'revoked'", "DELETE FROM events", "TRUNCATE events"])
def test_audit_events_can_neither_be_changed_nor_deleted(registry: Registry, url: str, verb: str) -> None:
    registry.add(ADA)
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        statement(url, verb)


def test_names_as_long_as_they_may_be_are_stored(registry: Registry) -> None:
    target = registry.add(Draft(name="".join(chr(0x20000 + i) for i in range(512))))
    assert registry.add_missing([target.draft]).existing == [target.id]


def test_no_dead_row_is_left_of_what_has_ended(registry: Registry, url: str) -> None:
    target = registry.add(ADA)
    registry.elicitations.keep(target.id, SAID)
    registry.revoke(target.id)
    with psycopg.connect(url) as connection:
        for table in ("targets", "elicitations", "vectors"):
            connection.execute(f"SELECT pg_stat_force_next_flush(), count(*) FROM {table}".encode())
        dead = connection.execute(
            "SELECT sum(n_dead_tup) FROM pg_stat_user_tables WHERE schemaname = current_schema()"
        ).fetchone()
    assert dead == (0,)


@pytest.fixture
def others(url: str) -> Iterator[Registry]:
    """The registry as another server has it open."""
    with closing(Registry(PostgresUrl(url))) as registry:
        yield registry


async def heard(registry: Registry, act: Callable[[], object]) -> None:
    """Return once `registry` has heard of what `act` did."""
    event = asyncio.Event()
    listening = asyncio.create_task(registry.listen(event.set))
    async with asyncio.timeout(20):
        await event.wait()  # it listens
        event.clear()
        await asyncio.to_thread(act)
        await event.wait()
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


@pytest.mark.anyio
async def test_a_change_is_heard_of_by_other_servers(registry: Registry, others: Registry) -> None:
    await heard(others, lambda: registry.add(ADA))


@pytest.mark.anyio
async def test_a_listener_whose_connection_is_lost_hears_of_what_it_missed(
    registry: Registry, others: Registry, url: str
) -> None:
    ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
    await heard(others, lambda: statement(url, ends))
    await heard(others, lambda: registry.add(ADA))


def test_connections_that_were_lost_are_opened_again(registry: Registry, url: str) -> None:
    registry.add(ADA)
    statement(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lethe'")
    assert registry.version() == 1
    statement(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lethe'")
    registry.add(Draft(name="Bo Quill"))
    assert registry.first_broken_event() is None


def test_a_database_that_is_read_only_for_a_moment_is_read_and_not_written(registry: Registry, url: str) -> None:
    target = registry.add(ADA)
    ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lethe'"
    statement(url, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()", ends)
    try:
        with pytest.raises(StoreUnavailable, match="ReadOnlySqlTransaction"):
            registry.revoke(target.id)
        assert registry.snapshot() == (1, [target])
        with closing(Registry(PostgresUrl(url))) as started:
            assert started.snapshot() == (1, [target])
    finally:
        back = "SET default_transaction_read_only = off"
        statement(url, back, "ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()", ends)
    registry.revoke(target.id)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql:///lethe?host=/nowhere&password=s3cret", "OperationalError"),
        ("postgresql:///lethe?password=s3cret&colour=red", "malformed"),
    ],
)
def test_a_database_that_cannot_be_reached_is_unavailable_and_its_password_not_told(url: str, said: str) -> None:
    with pytest.raises(StoreUnavailable, match=said) as caught:
        Registry(PostgresUrl(url))
    assert "s3cret" not in str(caught.value)


@pytest.mark.anyio
async def test_a_policy_outlives_a_crash_of_the_database_and_takes_up_what_comes_after(
    postgres: Cluster, registry: Registry, others: Registry, embedder: Embedder, tmp_path: Path
) -> None:
    registry.add(ADA)
    current = CurrentPolicy(max_staleness_s=2)
    applier = Applier(Compiler(others, embedder, tmp_path / "policy"), current, poll_s=0.1)
    applying = asyncio.create_task(applier.run())
    assert await applier.wait(1, timeout=20)
    postgres.stop()
    try:
        await asyncio.sleep(0.5)
        assert current.healthy
        with pytest.raises(StoreUnreachable):
            registry.add(Draft(name="Bo Quill"))
        async with asyncio.timeout(20):
            while not current.stale:
                await asyncio.sleep(0.1)
    finally:
        postgres.start()
    registry.add(Draft(name="Cy Quill"))
    assert await applier.wait(2, timeout=20)
    assert current.healthy
    applying.cancel()
    await asyncio.gather(applying, return_exceptions=True)


def test_nothing_is_left_in_the_tables_of_what_an_erased_target_was_and_was_to_become(url: str) -> None:
    with closing(Registry(PostgresUrl(url))) as registry:
        target = registry.add(ADA)
        registry.elicitations.keep(target.id, SAID)
        registry.change(target.id, replace(ADA, basis="court"), 1)
        registry.approvals.propose(target.id, replace(ADA, basis="lawyer"), 2, Person("key_1", "anne"))
        registry.revoke(target.id)
    tables = ("elicitations", "vectors", "proposed_changes", "revisions")
    with psycopg.connect(url) as connection:
        sizes = [
            connection.execute("SELECT pg_relation_size(%s::regclass)", (table,)).fetchone() for table in tables
        ]
    assert sizes == [(0,)] * len(tables)


def test_vectors_of_a_target_that_is_being_changed_are_not_kept_and_nobody_waits(
    registry: Registry, url: str
) -> None:
    ada, other = registry.add(ADA), registry.add(Draft(name="Person"))
    with psycopg.connect(url) as changing:
        changing.execute(b"SELECT version FROM policy FOR UPDATE")
        changing.execute(b"UPDATE targets SET revision = revision WHERE id = %s", (ada.id,))
        registry.keep_vectors("minilm", {VectorKey(one.id, 1): b"1111" for one in (ada, other)})
    assert registry.vectors("minilm").keys() == {(other.id, 1)}
