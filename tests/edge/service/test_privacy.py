"""Account numbers are shown by their end alone, and sealed files show nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.errors import ConfigError, StoreError
from edge.service.privacy import masked_check, masked_line, masked_number
from edge.service.record import Record
from edge.service.store import Store
from edge.service.vault import KEY_BYTES, Vault, open_vault
from tests.edge.service.conftest import PICTURE, check_object

ACCOUNT = "44748408"


@pytest.mark.parametrize(("number", "shown"), [("44748408", "••••8408"), ("12-345678", "••-••5678"), ("12345", "•••••"), ("", "")])
def test_a_number_keeps_its_last_four_digits_at_most(number: str, shown: str) -> None:
    assert masked_number(number) == shown


def test_a_masked_check_does_not_hold_the_account_number_anywhere() -> None:
    check = check_object(account=ACCOUNT)
    check["fields"]["micr"]["alternatives"] = [{"text": f"A518872539A{ACCOUNT}C1", "confidence": 0.1}]
    masked = masked_check(check)
    assert ACCOUNT not in str(masked)
    assert masked["fields"]["micr"]["text"] == "A518872539A••••8408C1042"
    assert masked["fields"]["micr"]["routing"] == "518872539"
    assert ACCOUNT in str(check)


def test_a_line_that_could_not_be_parsed_shows_no_digit() -> None:
    hidden = masked_line({"text": "C1234C44748408", "account": None, "reason": "may be '7' instead"})
    assert hidden == {"text": "C••••C••••••••", "account": None, "reason": "may be '•' instead"}
    assert masked_line(None) is None


def test_a_sealed_store_has_neither_account_number_nor_picture_in_the_clear(tmp_path: Path, make_record: Callable[..., Record]) -> None:
    store = Store(tmp_path, Vault(bytes(KEY_BYTES)))
    record = store.add(make_record(account=ACCOUNT), PICTURE)
    corrected = store.correct(record.id, {"micr": f"A518872539A{ACCOUNT}9C1042"}, "ann")
    again = store.add(make_record(account=ACCOUNT + "9"))
    assert store.get(record.id) == corrected
    assert corrected is not None
    assert store.picture(corrected) == PICTURE
    assert again.possible_duplicate_of == record.id
    store.close()
    content = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert ACCOUNT.encode() not in content
    assert PICTURE not in content


def test_a_sealed_store_is_refused_without_its_key(tmp_path: Path) -> None:
    Store(tmp_path, Vault(bytes(KEY_BYTES))).close()
    with pytest.raises(StoreError, match="sealed with another key"):
        Store(tmp_path, Vault(b"\1" * KEY_BYTES))
    with pytest.raises(StoreError, match="key file"):
        Store(tmp_path)


def test_a_key_file_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    path = tmp_path / "key"
    sealed = open_vault(path).seal(b"secret")
    assert open_vault(path).unseal(sealed) == b"secret"
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        open_vault(path)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(ConfigError, match="5 bytes"):
        open_vault(path)


def test_what_was_changed_after_sealing_does_not_open() -> None:
    vault = Vault(bytes(KEY_BYTES))
    sealed = bytearray(vault.seal(b"secret"))
    sealed[-1] ^= 1
    with pytest.raises(StoreError, match="does not open"):
        vault.unseal(bytes(sealed))
