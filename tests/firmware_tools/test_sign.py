"""Keys and signatures: what a trusted key signed is taken, and nothing else, however it is spoilt; each refusal says which field."""

import datetime
import json
import os
import random
import stat
from collections import Counter
from pathlib import Path

import pytest

from edge.errors import BundleError, ConfigError, EdgeError, SignatureError
from edge.service.trust import REVOKED, check_file, check_signature, read_trust, trusted_bundle
from tests.firmware_tools.conftest import SHIPPED, TODAY, Keys, bundle_with, firmware, signature_of
from tests.firmware_tools.corruptions import Corruptor

N_CORRUPTIONS = int(os.environ.get("CORRUPTIONS", "440"))


def test_what_a_trusted_key_signed_is_taken(keys: Keys) -> None:
    data = SHIPPED.read_bytes()
    bundle, statement = trusted_bundle(data, signature_of(data, keys.good, "0.3.0"), "b", keys.trust, TODAY)
    assert bundle.sha256 == statement.file_sha256
    old = signature_of(data, keys.ended, "0.3.0")
    assert trusted_bundle(data, old, "b", keys.trust, datetime.date(2026, 11, 24))[0].version == "0.3.0"
    assert trusted_bundle(data, old, "b", keys.trust, None)[0].version == "0.3.0"


def test_every_corruption_is_refused(keys: Keys) -> None:
    corruptor = Corruptor(SHIPPED.read_bytes(), keys, random.Random(2611))
    assert corruptor.untouched() == corruptor.data  # so what follows is refused for what it changes, not for how it is written
    refused: Counter[str] = Counter()
    taken, torn = [], 0
    for number in range(N_CORRUPTIONS):
        spoilt = corruptor.one(number)
        try:
            trusted_bundle(spoilt.data, spoilt.signature, "b", spoilt.trust, spoilt.today)
        except EdgeError as error:
            refused[spoilt.name] += 1
            torn += "\n" in str(error)
        else:
            taken.append((number, spoilt.name))
    assert (taken, torn) == ([], 0)
    assert set(refused) == {way.__name__ for way in corruptor.ways}
    assert sum(refused.values()) == N_CORRUPTIONS
    print(f"{N_CORRUPTIONS} corruptions of {len(refused)} kinds, all refused")


@pytest.mark.parametrize(
    ("signer", "field"),
    [("stranger", "the field key is"), ("revoked", "revokes"), ("ended", "is valid from 2020-01-01 to 2026-11-24, today is 2026-11-25")],
)
def test_the_refusal_of_a_key_says_what_was_expected(keys: Keys, signer: str, field: str) -> None:
    data = SHIPPED.read_bytes()
    with pytest.raises(SignatureError, match=field):
        trusted_bundle(data, signature_of(data, getattr(keys, signer), "0.3.0"), "b", keys.trust, TODAY)


def test_the_signature_of_another_file_and_of_another_version_are_told_apart(keys: Keys) -> None:
    data, other = SHIPPED.read_bytes(), bundle_with(version="0.4.0")
    statement = check_signature(signature_of(data, keys.good, "0.3.0"), "b.sig", keys.trust, TODAY)
    with pytest.raises(SignatureError, match="the field file_sha256 of its signature"):
        check_file(statement, other, "b")
    with pytest.raises(BundleError, match=r"version of its card is 0\.3\.0, of its signature 0\.4\.0"):
        trusted_bundle(data, signature_of(data, keys.good, "0.4.0"), "b", keys.trust, TODAY)


def test_a_signature_in_capitals_is_another_signature(keys: Keys) -> None:
    data = SHIPPED.read_bytes()
    signature = signature_of(data, keys.good, "0.3.0")
    made = json.loads(signature)["signature"].encode()
    with pytest.raises(SignatureError, match="the field signature"):
        check_signature(signature.replace(made, made.upper()), "b.sig", keys.trust, TODAY)


def test_a_revoked_file_is_refused_whoever_signed_it(keys: Keys, tmp_path: Path) -> None:
    data = SHIPPED.read_bytes()
    signature = signature_of(data, keys.good, "0.3.0")
    (tmp_path / "good.pub").write_bytes((keys.folder / "good.pub").read_bytes())
    assert trusted_bundle(data, signature, "b", read_trust(tmp_path), TODAY)[0].version == "0.3.0"
    (tmp_path / REVOKED).write_text(f"# reads badly\n{json.loads(signature)['file_sha256']}\n")
    with pytest.raises(SignatureError, match="the field file_sha256"):
        trusted_bundle(data, signature, "b", read_trust(tmp_path), TODAY)


def test_a_trust_folder_that_others_may_change_or_that_is_damaged_is_trusted_no_more(keys: Keys, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_trust(tmp_path / "none")
    with pytest.raises(ConfigError, match="no key is trusted"):
        read_trust(tmp_path)
    public = tmp_path / "good.pub"
    public.write_bytes((keys.folder / "good.pub").read_bytes())
    public.chmod(0o664)
    with pytest.raises(ConfigError, match="chmod go-w"):
        read_trust(tmp_path)
    public.chmod(0o644)
    (tmp_path / REVOKED).write_text("all of them\n")
    with pytest.raises(ConfigError, match="line 1 of"):
        read_trust(tmp_path)
    (tmp_path / REVOKED).unlink()
    public.write_text(public.read_text().replace('"id": "', '"id": "0'))
    with pytest.raises(ConfigError, match="the field id"):
        read_trust(tmp_path)


def test_keys_sign_and_verify_from_the_command_line(tmp_path: Path) -> None:
    made = firmware("keygen", tmp_path / "mine", "--json")
    assert made.returncode == 0, made.stderr
    facts = json.loads(made.stdout)
    assert stat.S_IMODE((tmp_path / "mine.key").stat().st_mode) == 0o600
    assert firmware("keygen", tmp_path / "mine").returncode == 64
    bundle = tmp_path / "b.bundle"
    bundle.write_bytes(SHIPPED.read_bytes())
    (tmp_path / "trust").mkdir()
    (tmp_path / "mine.pub").rename(tmp_path / "trust/mine.pub")
    unsigned = firmware("verify", bundle, "--trust", tmp_path / "trust")
    assert (unsigned.returncode, "b.bundle.sig cannot be read" in unsigned.stderr) == (65, True)
    signed = firmware("sign", bundle, "--key", tmp_path / "mine.key")
    assert signed.returncode == 0, signed.stderr
    verified = firmware("verify", bundle, "--trust", tmp_path / "trust", "--json")
    assert json.loads(verified.stdout)["signed_by"]["key"] == facts["id"]
    (tmp_path / "mine.key").chmod(0o640)
    readable = firmware("sign", bundle, "--key", tmp_path / "mine.key")
    assert (readable.returncode, "its mode is 640; chmod 600" in readable.stderr) == (78, True)


def test_a_sealed_key_wants_its_passphrase(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("correct horse\n")
    (tmp_path / "wrong").write_text("battery staple\n")
    (tmp_path / "short").write_text("abc\n")
    assert firmware("keygen", tmp_path / "k", "--passphrase-file", tmp_path / "short").returncode == 64
    assert firmware("keygen", tmp_path / "k", "--passphrase-file", tmp_path / "secret").returncode == 0
    bundle = tmp_path / "b.bundle"
    bundle.write_bytes(SHIPPED.read_bytes())
    sign = ("sign", bundle, "--key", tmp_path / "k.key")
    wrong, missing = firmware(*sign, "--passphrase-file", tmp_path / "wrong"), firmware(*sign)
    assert (wrong.returncode, "the passphrase is wrong" in wrong.stderr) == (78, True)
    assert (missing.returncode, "--passphrase-file" in missing.stderr) == (78, True)
    assert firmware(*sign, "--passphrase-file", tmp_path / "secret").returncode == 0


def test_what_is_neither_bundle_nor_package_is_not_signed(tmp_path: Path) -> None:
    firmware("keygen", tmp_path / "k")
    (tmp_path / "notes.txt").write_text("hello")
    refused = firmware("sign", tmp_path / "notes.txt", "--key", tmp_path / "k.key")
    assert (refused.returncode, "Traceback" in refused.stderr) == (65, False)
    assert not (tmp_path / "notes.txt.sig").exists()
