from __future__ import annotations

import pytest

from guard.encryption.sealing import SealBroken, new_secret
from guard.encryption.wrapping import name_of, new_record_key, open_record_key, unwrap, wrap


def test_a_wrapped_key_is_opened_by_the_key_that_wrapped_it() -> None:
    key, secret = new_secret(), new_secret()
    wrapped = wrap(key, secret, "1", "targets")
    assert unwrap(key, wrapped, "1", "targets") == secret
    assert wrapped.by == name_of(key)
    assert secret.value not in wrapped.content


def test_a_wrapped_key_is_opened_as_no_other_and_by_no_other() -> None:
    key, secret = new_secret(), new_secret()
    wrapped = wrap(key, secret, "1", "targets")
    for opens, identity in ((key, ("1", "files")), (key, ("2", "targets")), (new_secret(), ("1", "targets"))):
        with pytest.raises(SealBroken):
            unwrap(opens, wrapped, *identity)


def test_the_name_of_a_key_says_which_it_is_and_nothing_of_it() -> None:
    key = new_secret()
    assert name_of(key) == name_of(key) != name_of(new_secret())
    assert name_of(key) not in key.value.hex()


def test_the_key_of_a_record_is_of_that_record_and_that_data_key() -> None:
    data_key = new_secret()
    key = new_record_key(data_key, 3, "ft_1")
    assert open_record_key(data_key, 3, key.wrapped, "ft_1") == key
    for number, record in ((3, "ft_2"), (4, "ft_1")):
        with pytest.raises(SealBroken):
            open_record_key(data_key, number, key.wrapped, record)
