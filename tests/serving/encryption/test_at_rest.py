"""No file of a data folder, and no dump of its database, tells a target: searched for the words of many."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from guard.detection.detector import Detector
from guard.encryption.memory_folder import NotMemoryBacked, open_memory_folder
from guard.encryption.sealing import new_secret
from guard.errors import StoreUnavailable
from guard.policy.compiler import Compiler
from guard.policy.plan import PlanKind
from guard.policy.policy import Policy
from guard.registry.registry import Registry
from guard.registry.replicas import Replica
from guard.targets.elicitation import Elicitation, Proposal, ProposalKind
from guard.targets.target import Draft, Fact, Scope
from guard.text.conversation import Message
from guard.text.normalise import fold
from serving.encryption.changes import RegistryInUse, encrypt_all
from serving.encryption.folders import opened_folders
from serving.settings import Settings
from serving.telemetry.metrics import Metrics
from serving.telemetry.verdict_log import VerdictLog, verdicts_of
from tests.guard.conftest import WordEmbedder

# Up to 1,000: SCAN_TARGETS=1000 is a run of a minute.
TARGETS, FEW = int(os.environ.get("SCAN_TARGETS", "50")), 6
KEY = new_secret()
# So long that none of them stands in random bytes.
PARTS = (
    "zörblat",
    "quibbex",
    "plémmor",
    "vashkun",
    "trunnig",
    "ølgivar",
    "wubbosk",
    "kystarn",
    "jarrlom",
    "fnehwyd",
)


def words_of(number: int) -> tuple[str, str, str, str]:
    """Return four words that no language has, of this target alone."""
    tens, ones = PARTS[number // 10 % 10], PARTS[number % 10]
    if number >= 100:
        tens = PARTS[number // 100] + tens
    return (
        f"{tens}{ones}ix".capitalize(),
        f"{ones}{tens}umb".capitalize(),
        f"{tens}o{ones}arg",
        f"{ones}e{tens}osp",
    )


def draft_of(number: int, **changes: object) -> Draft:
    first, last, fact, phrase = words_of(number)
    made = {
        "name": f"{first} {last}",
        "aliases": (f"{last} the {phrase}",),
        "facts": (Fact(question=f"What does {first} keep?", answer=f"{first} {last} keeps a {fact}."),),
        "passages": (f"In those years the {fact} of {first} stood beside the {phrase}, and nobody took it.",),
        "phrases": (f"the {phrase}",),
        "scope": Scope.ALWAYS if number % 3 == 0 else Scope.CONTEXTUAL,
        "external_ref": f"case {fact}",
    }
    return Draft(**made | changes)  # type: ignore[arg-type]


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    memory = Path(tempfile.mkdtemp(prefix="lethe-test-", dir="/dev/shm"))
    try:
        open_memory_folder(memory)
    except NotMemoryBacked:
        pytest.skip("/dev/shm is not in memory here")
    try:
        yield Settings(data_dir=tmp_path / "data", encryption_key=KEY.value.hex(), memory_dir=str(memory))
    finally:
        shutil.rmtree(memory, ignore_errors=True)


def use(settings: Settings, registry: Registry, count: int) -> Iterator[None]:
    """Do with targets what a server does, and yield whenever files are as a running server's."""
    targets = registry.add_many([draft_of(number) for number in range(count)])
    settings.policy_dir.mkdir(parents=True, exist_ok=True)
    embedder = WordEmbedder()
    compiler = Compiler(registry, embedder, settings.policy_dir, version_folder=settings.data_dir / "policy")
    policy = compiler.compile()
    answer(settings, embedder, policy, [draft_of(number).name for number in (1, 2)])
    for number in (2, 5):
        said = f"{draft_of(number).name} was seen near the {words_of(number)[2]}."
        proposal = Proposal(id="p1", kind=ProposalKind.FACT, text=said, times=3, styles=(), languages=())
        found = Elicitation(model="m", at=datetime.now(UTC), answers=4, proposals=(proposal,))
        registry.elicitations.keep(targets[number].id, found)
    keep_files(settings)
    yield
    for target in targets[10:20]:
        registry.revoke(target.id)
    soon = datetime.now(UTC) + timedelta(seconds=60)
    for number in range(20, 25):
        registry.change(targets[number].id, draft_of(number, expires_at=soon), 1)
    registry.expire(soon)
    registry.change(targets[30].id, draft_of(31, name="Somebody Else", aliases=()), 1)
    compiler.compile()
    yield


def answer(settings: Settings, embedder: WordEmbedder, policy: Policy, names: list[str]) -> None:
    log, detector = VerdictLog(settings.data_dir / "verdicts.db", Metrics()), Detector(embedder)
    for name in names:
        matches = detector.detect(policy.lookup, [Message("user", f"Who is {name}?")])
        assert matches
        log.add(verdicts_of("r", PlanKind.RESTRICT, matches, policy.targets))
    log.flush()


def keep_files(settings: Settings) -> None:
    """Leave files as a training of an assistant, and of the detector, does."""
    for folder, name in ((settings.assistants_dir / "promoted" / "aa", "extra"), (settings.detector_dir, "d.npz")):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("\n".join(draft_of(number).facts[0].answer for number in range(TARGETS)))


def spellings(part: str) -> Iterator[bytes]:
    for form in (part, part.upper(), fold(part)):
        for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
            yield form.encode(encoding).lower()
        yield json.dumps(form)[1:-1].encode().lower()
        yield form.encode().hex().encode()


NEEDLES = {spelling for part in PARTS for spelling in spellings(part)}


def told(contents: list[bytes]) -> list[bytes]:
    """Return the parts of words of targets that stand in any of the contents, in any case."""
    return [needle for content in map(bytes.lower, contents) for needle in NEEDLES if needle in content]


def everything(data_dir: Path) -> list[bytes]:
    """Return all files of a data folder, names and contents, and the dumps of its databases."""
    files = [path for path in data_dir.rglob("*") if path.is_file()]
    contents = [path.read_bytes() for path in files] + [str(path).encode() for path in files]
    for path in data_dir.glob("*.db"):
        with closing(sqlite3.connect(path)) as database:
            contents.append("\n".join(database.iterdump()).encode())
    return contents


def test_nothing_of_a_target_is_in_any_file_or_dump(settings: Settings) -> None:
    settings.data_dir.mkdir()
    with (
        closing(Registry(settings.registry, KEY)) as registry,
        opened_folders(settings, registry.files_key(), remains=False) as keep,
    ):
        for _ in use(settings, registry, TARGETS):
            keep()
            found = everything(settings.data_dir)
            assert any(path.name.endswith("-wal") for path in settings.data_dir.iterdir())
            assert told(found) == []
        assert list(settings.policy_dir.glob("*.automaton"))
        assert not list(settings.data_dir.rglob("*.automaton"))
    assert told(everything(settings.data_dir)) == []
    # What was decrypted is gone with the server.
    assert not settings.opened_dir.exists()


def test_the_search_finds_them_without_encryption_and_nothing_once_all_is_encrypted(settings: Settings) -> None:
    plain = Settings(data_dir=settings.data_dir)
    plain.data_dir.mkdir()
    with closing(Registry(plain.registry)) as registry:
        next(use(plain, registry, FEW))
        before = registry.snapshot()
    assert len(told(everything(plain.data_dir))) > FEW
    # A start that is refused leaves nothing behind.
    with pytest.raises(StoreUnavailable):
        Registry(settings.registry, KEY)
    assert encrypt_all(settings, settings.registry, KEY, lambda *_: None) == FEW
    assert told(everything(settings.data_dir)) == []
    with closing(Registry(settings.registry, KEY)) as registry:
        assert registry.snapshot() == before
        with opened_folders(settings, registry.files_key(), remains=False):
            assert (settings.detector_dir / "d.npz").exists()
            assert (settings.assistants_dir / "promoted" / "aa" / "extra").exists()


def test_a_registry_that_servers_use_is_not_encrypted(settings: Settings) -> None:
    settings.data_dir.mkdir()
    with closing(Registry(settings.registry)) as registry:
        registry.add(draft_of(0))
        registry.replicas.enter(
            Replica(id="a", name="a", version=1, engine="", runner="", started_at=datetime.now(UTC), lease_s=60.0)
        )
    with pytest.raises(RegistryInUse):
        encrypt_all(settings, settings.registry, KEY, lambda *_: None)
    with closing(Registry(settings.registry)) as registry:
        assert len(registry.active()) == 1
