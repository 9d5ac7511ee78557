"""Keys, trust and signed bundles, made once by the commands themselves."""

import datetime
import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.golden import MEMBER
from edge.recognize.bundle import Bundle, read_bundle, write_bundle
from edge.service.slots import Firmware
from edge.service.trust import REVOKED, Statement, Trust, key_id, read_trust, signed_bytes, to_json
from firmware_tools.keys import make_key, read_key

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "edge/bundles/checkreader.bundle"
TODAY = datetime.date(2026, 11, 25)


def firmware(*arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "firmware_tools", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, input=stdin, cwd=ROOT, timeout=300)


def members_of(bundle: Bundle) -> dict[str, bytes]:
    return {bundle.card.networks[name].file: model for name, model in bundle.models.items()} | dict(bundle.golden)


def bundle_with(members: Mapping[str, bytes] | None = None, **card: Any) -> bytes:
    """The shipped bundle with other values on its card, or other members."""
    shipped = read_bundle()
    return write_bundle({**shipped.card.raw, **card}, members_of(shipped) if members is None else members)


def with_changed_golden() -> dict[str, bytes]:
    """The shipped bundle's members with a golden set that expects for one strip what another one says."""
    members = members_of(read_bundle())
    cases = json.loads(members[MEMBER])
    one, other = [case for case in cases["cases"] if case["network"] == "strip"][:2]
    one["answers"] = other["answers"]
    return {**members, MEMBER: json.dumps(cases).encode()}


def signature_of(data: bytes, private: Ed25519PrivateKey, version: str, **values: Any) -> bytes:
    statement = Statement(
        **{
            "key": key_id(private.public_key().public_bytes_raw()), "version": version, "file_sha256": hashlib.sha256(data).hexdigest(),
            "file_bytes": len(data), "signed_at": "2026-11-25T12:00:00+00:00", "allow_downgrade": False, **values,
        }
    )  # fmt: skip
    return to_json(statement, signature=private.sign(signed_bytes(statement)).hex())


def signed_bundle(
    folder: Path,
    private: Ed25519PrivateKey,
    version: str,
    *,
    is_ill: bool = False,
    members: Mapping[str, bytes] | None = None,
    **statement: Any,
) -> Path:
    """Write the shipped bundle under another version, or with other members, signed; an ill one answers as it should and reads no frame."""
    networks = json.loads(json.dumps(read_bundle().card.raw["networks"]))
    if is_ill:
        networks["page"]["input"]["height"] -= 8
    file, data = folder / f"{version}.bundle", bundle_with(members, version=version, networks=networks)
    file.write_bytes(data)
    file.with_name(f"{file.name}.sig").write_bytes(signature_of(data, private, version, **statement))
    return file


@dataclass(frozen=True)
class Keys:
    """Four keys: trusted, trusted until yesterday, trusted and revoked, and a stranger's; ``folder`` holds the first three."""

    folder: Path
    good: Ed25519PrivateKey
    ended: Ed25519PrivateKey
    revoked: Ed25519PrivateKey
    stranger: Ed25519PrivateKey

    @property
    def trust(self) -> Trust:
        return read_trust(self.folder)


def make_keys(folder: Path, private: Path) -> Keys:
    """Make all four; the trusted ones in ``folder``."""
    made = {}
    for name, last in (("good", None), ("ended", "2026-11-24"), ("revoked", None), ("stranger", None)):
        public = (private if name == "stranger" else folder) / f"{name}.pub"
        make_key(private / f"{name}.key", public, None, name, "2020-01-01", last)
        made[name] = read_key(private / f"{name}.key", None)
    (folder / REVOKED).write_text(json.loads((folder / "revoked.pub").read_text())["id"] + "  # lost\n")
    return Keys(folder, **made)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("trust"), tmp_path_factory.mktemp("private"))


class Device:
    """A folder with a configuration, slots and a folder of updates; ``update`` is the command itself."""

    def __init__(self, root: Path, keys: Keys) -> None:
        self.root, self.keys, self.offered = root, keys, root / "offered"
        self.offered.mkdir()
        self.firmware = Firmware(root / "firmware", keys.folder)
        self.config = root / "config.toml"
        self.configure()

    def configure(self, **more: str) -> None:
        values = {"folder": self.firmware.folder, "trust": self.keys.folder, **more}
        lines = [f'{key} = "{value}"' for key, value in values.items()]
        self.config.write_text("\n".join([f'[store]\nfolder = "{self.root}/store"\n[firmware]', *lines]) + "\n")

    def offer(self, version: str, data: bytes | None = None, name: str = "new", signer: str = "good", **statement: Any) -> Path:
        data = bundle_with(version=version) if data is None else data
        file = self.offered / f"{name}.bundle"
        file.write_bytes(data)
        file.with_name(file.name + ".sig").write_bytes(signature_of(data, getattr(self.keys, signer), version, **statement))
        return file

    def update(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return firmware("update", *arguments, "--config", self.config)

    def refused(self, *arguments: str | Path, code: int = 65) -> str:
        done = self.update(*arguments)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert self.firmware.slots().active is None
        return done.stderr


@pytest.fixture
def device(tmp_path: Path, keys: Keys) -> Device:
    return Device(tmp_path, keys)
