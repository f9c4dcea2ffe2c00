from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.certificate.signing import SigningKey, public_key_of
from eval.core.errors import BadRun
from guard.signatures import BadCertificate, SignatureStatus, canonical, check, fingerprint

PAYLOAD = {"statement": "suppressed at this endpoint since 2031", "after": {"count": 0, "of": 9}, "é": None}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return SigningKey.load_or_make(tmp_path_factory.mktemp("key") / "certificate.key")


def test_canonical_json_is_one_line_of_sorted_keys() -> None:
    assert canonical({"b": [1, None], "a": "é"}) == '{"a":"é","b":[1,null]}'.encode()


def test_what_was_signed_is_valid(key: SigningKey) -> None:
    file = key.sign(PAYLOAD)
    assert check(file, None) == check(file, key.public) == (SignatureStatus.VALID, PAYLOAD, key.public)


@given(st.data())
def test_any_other_byte_anywhere_is_noticed(key: SigningKey, data: st.DataObject) -> None:
    file = bytearray(key.sign(PAYLOAD))
    place = data.draw(st.integers(0, len(file) - 1))
    file[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != file[place]))
    assert not _valid(bytes(file))


@given(st.data())
def test_bytes_put_in_or_taken_out_are_noticed(key: SigningKey, data: st.DataObject) -> None:
    file = key.sign(PAYLOAD)
    place = data.draw(st.integers(0, len(file)))
    added = data.draw(st.binary(max_size=3))
    cut = data.draw(st.integers(0 if added else 1, 3))
    changed = file[:place] + added + file[place + cut :]
    assert changed == file or not _valid(changed)


def _valid(file: bytes) -> bool:
    try:
        return check(file, None).status is SignatureStatus.VALID
    except BadCertificate:
        return False


def test_a_member_more_is_an_alteration(key: SigningKey) -> None:
    file = key.sign(PAYLOAD)
    assert check(b'{"also":1,' + file[1:], None).status is SignatureStatus.ALTERED


def test_another_key_is_told_from_the_expected_one(key: SigningKey, tmp_path: Path) -> None:
    other = SigningKey.load_or_make(tmp_path / "other.key")
    assert check(other.sign(PAYLOAD), key.public).status is SignatureStatus.FOREIGN
    forged = other.sign(PAYLOAD).replace(other.public.encode(), key.public.encode())
    assert check(forged, key.public).status is SignatureStatus.ALTERED


@pytest.mark.parametrize(
    "file", [b"", b"[]", b"{}", b'{"certificate":{}}', b"\xff", b'{"certificate":1,"signature":2}']
)
def test_what_is_no_certificate_is_refused(file: bytes) -> None:
    with pytest.raises(BadCertificate):
        check(file, None)


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "below" / "certificate.key"
    made = SigningKey.load_or_make(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert SigningKey.load_or_make(path).public == SigningKey.load(path).public == made.public


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "certificate.key"
    SigningKey.load_or_make(path)
    path.chmod(0o640)
    with pytest.raises(BadRun, match="others may read"):
        SigningKey.load_or_make(path)


@pytest.mark.parametrize("content", [None, b"no key"])
def test_what_is_no_key_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "given.pem"
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o600)
    with pytest.raises(BadRun):
        SigningKey.load(path)


def test_a_digest_needs_the_key(key: SigningKey, tmp_path: Path) -> None:
    other = SigningKey.load_or_make(tmp_path / "other.key")
    assert key.digest(["a name"]) == key.digest(["a name"]) != key.digest(["another"])
    assert key.digest(["a name"]) != other.digest(["a name"])


def test_public_keys_are_read_as_digits_or_pem(key: SigningKey, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    pem = tmp_path / "public.pem"
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.public))
    pem.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert public_key_of(key.public.upper()) == public_key_of(str(pem)) == key.public
    with pytest.raises(BadRun):
        public_key_of("neither")


def test_a_fingerprint_is_128_bits_in_groups(key: SigningKey) -> None:
    groups = fingerprint(key.public).split()
    assert (len(groups), {len(group) for group in groups}) == (8, {4})
