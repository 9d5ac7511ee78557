"""Keys, trust and signed bundles, made once by the commands themselves."""

import datetime
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.recognize.bundle import Bundle, read_bundle, write_bundle
from edge.service.trust import REVOKED, Statement, Trust, key_id, read_trust, signed_bytes, to_json
from firmware_tools.keys import make_key, read_key

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "edge/bundles/checkreader.bundle"
TODAY = datetime.date(2026, 11, 25)


def firmware(*arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from firmware_tools.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, input=stdin, cwd=ROOT, timeout=300)


def members_of(bundle: Bundle) -> dict[str, bytes]:
    return {bundle.card.networks[name].file: model for name, model in bundle.models.items()} | dict(bundle.golden)


def bundle_with(members: Mapping[str, bytes] | None = None, **card: Any) -> bytes:
    """The shipped bundle with other values on its card, or other members."""
    shipped = read_bundle()
    return write_bundle({**shipped.card.raw, **card}, members_of(shipped) if members is None else members)


def signature_of(data: bytes, private: Ed25519PrivateKey, version: str, **values: Any) -> bytes:
    import hashlib

    statement = Statement(
        **{
            "key": key_id(private.public_key().public_bytes_raw()), "version": version, "file_sha256": hashlib.sha256(data).hexdigest(),
            "file_bytes": len(data), "signed_at": "2026-11-25T12:00:00+00:00", "allow_downgrade": False, **values,
        }
    )  # fmt: skip
    return to_json(statement, signature=private.sign(signed_bytes(statement)).hex())


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


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    folder = tmp_path_factory.mktemp("trust")
    private = tmp_path_factory.mktemp("private")
    made = {}
    for name, last in (("good", None), ("ended", "2026-11-24"), ("revoked", None), ("stranger", None)):
        public = (private if name == "stranger" else folder) / f"{name}.pub"
        make_key(private / f"{name}.key", public, None, name, "2020-01-01", last)
        made[name] = read_key(private / f"{name}.key", None)
    (folder / REVOKED).write_text(json.loads((folder / "revoked.pub").read_text())["id"] + "  # lost\n")
    return Keys(folder, **made)
