"""What can happen to a signed bundle between the one who made it and the device, by accident or on purpose; each has to be refused."""

import datetime
import io
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

from edge.recognize.bundle import CARD, parse_bundle
from edge.service.trust import Trust
from tests.firmware_tools.conftest import TODAY, Keys, members_of, signature_of


@dataclass(frozen=True)
class Corruption:
    """A bundle and its signature as they arrive, and what the device trusts."""

    name: str
    data: bytes
    signature: bytes
    trust: Trust
    today: datetime.date = TODAY


class Corruptor:
    """Spoils one signed bundle in every way that it knows, by chance."""

    def __init__(self, data: bytes, keys: Keys, chance: random.Random) -> None:
        self.data, self.keys, self.chance = data, keys, chance
        self.trust = keys.trust
        self.version = parse_bundle(data, "given").version
        self.signature = signature_of(data, keys.good, self.version)
        self.ways: list[Callable[[], tuple[bytes, bytes]]] = [
            self.bit, self.bit_of_signature, self.truncated, self.truncated_signature, self.appended, self.byte_run, self.swapped_blocks,
            self.signature_of_another, self.changed_statement, self.old_key, self.revoked_key, self.unknown_key, self.key_in_disguise,
            self.swapped_members, self.added_member, self.removed_member, self.path_traversal, self.zip_bomb, self.shared_bytes,
            self.twice_the_same_name, self.comment, self.other_version,
        ]  # fmt: skip

    def one(self, number: int) -> Corruption:
        way = self.ways[number % len(self.ways)]
        while True:
            data, signature = way()
            if (data, signature) != (self.data, self.signature):
                return Corruption(way.__name__, data, signature, self.trust)

    def untouched(self) -> bytes:
        return zipped(list(self._members().items()))

    # What happens on the way: neither file is signed anew.

    def bit(self) -> tuple[bytes, bytes]:
        return _flipped(self.data, self.chance), self.signature

    def bit_of_signature(self) -> tuple[bytes, bytes]:
        return self.data, _flipped(self.signature, self.chance)

    def truncated(self) -> tuple[bytes, bytes]:
        return self.data[: self.chance.randrange(len(self.data))], self.signature

    def truncated_signature(self) -> tuple[bytes, bytes]:
        return self.data, self.signature[: self.chance.randrange(len(self.signature))]

    def appended(self) -> tuple[bytes, bytes]:
        return self.data + self.chance.randbytes(self.chance.randrange(1, 100)), self.signature

    def byte_run(self) -> tuple[bytes, bytes]:
        at, n = self.chance.randrange(len(self.data) - 600), self.chance.randrange(1, 600)
        return self.data[:at] + self.chance.randbytes(n) + self.data[at + n :], self.signature

    def swapped_blocks(self) -> tuple[bytes, bytes]:
        one, two = sorted(self.chance.sample(range(len(self.data) // 512 - 1), 2))
        blocks = [self.data[i : i + 512] for i in range(0, len(self.data), 512)]
        blocks[one], blocks[two] = blocks[two], blocks[one]
        return b"".join(blocks), self.signature

    # What somebody does who has no trusted key.

    def signature_of_another(self) -> tuple[bytes, bytes]:
        other = _flipped(self.data, self.chance)
        return self.data, signature_of(other, self.keys.good, self.version)

    def changed_statement(self) -> tuple[bytes, bytes]:
        choices = [(b'"allow_downgrade": false', b'"allow_downgrade": true'), (b'"signed_at": "2026', b'"signed_at": "2027'),
                   (self.version.encode(), b"9." + self.version.encode()), (b'"format": 1', b'"format": 2')]  # fmt: skip
        return self.data, self.signature.replace(*self.chance.choice(choices))

    def old_key(self) -> tuple[bytes, bytes]:
        return self.data, signature_of(self.data, self.keys.ended, self.version)

    def revoked_key(self) -> tuple[bytes, bytes]:
        return self.data, signature_of(self.data, self.keys.revoked, self.version)

    def unknown_key(self) -> tuple[bytes, bytes]:
        return self.data, signature_of(self.data, self.keys.stranger, self.version)

    def key_in_disguise(self) -> tuple[bytes, bytes]:
        trusted = next(key.id for key in self.trust.keys.values() if key.name == "good")
        return self.data, signature_of(self.data, self.keys.stranger, self.version, key=trusted)

    # What must be refused even where a trusted key has signed it, since it is no bundle.

    def swapped_members(self) -> tuple[bytes, bytes]:
        members = self._members()
        one, two = self.chance.sample(sorted(members.keys() - {CARD}), 2)
        members[one], members[two] = members[two], members[one]
        return self._signed(zipped(list(members.items())))

    def added_member(self) -> tuple[bytes, bytes]:
        name = f"models/{self.chance.choice(['spy', 'digit2', 'a'])}.tflite"
        return self._signed(zipped([*self._members().items(), (name, self.chance.randbytes(64))]))

    def removed_member(self) -> tuple[bytes, bytes]:
        members = self._members()
        members.pop(self.chance.choice(sorted(members)))
        return self._signed(zipped(list(members.items())))

    def path_traversal(self) -> tuple[bytes, bytes]:
        """Even with its hash on the card, as whoever packs could put it there."""
        import hashlib
        import json

        name = self.chance.choice(["../../etc/passwd", "/etc/cron.d/x", "models/../../x", "golden/..", "models\\..\\x", "models/", "x\n"])
        members = self._members()
        members[name] = self.chance.randbytes(20)
        card = json.loads(members[CARD])
        card["files"][name] = hashlib.sha256(members[name]).hexdigest()
        members[CARD] = (json.dumps(card, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
        return self._signed(zipped(list(members.items())))

    def zip_bomb(self) -> tuple[bytes, bytes]:
        size = self.chance.randrange(32, 64) << 20
        return self._signed(zipped([*self._members().items(), ("models/bomb.tflite", bytes(size))], zipfile.ZIP_DEFLATED))

    def shared_bytes(self) -> tuple[bytes, bytes]:
        """Many entries that all stand for the same bytes of the file."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("models/a.tflite", bytes(1 << 20))
            first = archive.infolist()[0]
            for number in range(self.chance.randrange(200, 500)):
                entry = zipfile.ZipInfo(f"models/{number}.tflite")
                entry.header_offset, entry.CRC = first.header_offset, first.CRC
                entry.file_size = entry.compress_size = first.file_size
                archive.filelist.append(entry)
        return self._signed(buffer.getvalue())

    def twice_the_same_name(self) -> tuple[bytes, bytes]:
        members = self._members()
        name = self.chance.choice(sorted(members))
        return self._signed(zipped([(name, self.chance.randbytes(50)), *members.items()]))

    def comment(self) -> tuple[bytes, bytes]:
        return self._signed(zipped(list(self._members().items()), comment=self.chance.randbytes(self.chance.randrange(1, 60))))

    def other_version(self) -> tuple[bytes, bytes]:
        return self.data, signature_of(self.data, self.keys.good, f"{self.chance.randrange(1, 99)}.{self.version}")

    def _members(self) -> dict[str, bytes]:
        bundle = parse_bundle(self.data, "given")
        with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
            return {**members_of(bundle), CARD: archive.read(CARD)}

    def _signed(self, data: bytes) -> tuple[bytes, bytes]:
        return data, signature_of(data, self.keys.good, self.version)


def _flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def zipped(members: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED, comment: bytes = b"") -> bytes:
    """As this project writes bundles, but for what the caller changes."""
    import warnings

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of two entries with one name
        for name, content in sorted(members, key=lambda pair: pair[0]):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr, entry.compress_type = 3, 0o644 << 16, method
            archive.writestr(entry, content)
        archive.comment = comment
    return buffer.getvalue()
