"""Encryption at rest, with a key from a file: AES-256 in Galois/counter mode (NIST SP 800-38D), a fresh nonce for each sealing."""

import hashlib
import hmac
import os
import stat
from importlib.util import find_spec
from pathlib import Path

from edge.errors import ConfigError, MissingDependencyError, StoreError

KEY_BYTES = 32
_NONCE_BYTES = 12
_MAGIC = b"CRv1"


class Vault:
    """Seals and opens bytes with one key.

    Raises:
        MissingDependencyError: the package cryptography is not installed.
    """

    def __init__(self, key: bytes) -> None:
        if find_spec("cryptography") is None:
            raise MissingDependencyError("encryption at rest needs the package cryptography: pip install 'checkreader[serve]'")
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._cipher = AESGCM(key)
        self._key = key

    def seal(self, content: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return _MAGIC + nonce + self._cipher.encrypt(nonce, content, _MAGIC)

    def unseal(self, sealed: bytes) -> bytes:
        """Return what was sealed.

        Raises:
            StoreError: another key sealed it, or it is damaged.
        """
        from cryptography.exceptions import InvalidTag

        start = len(_MAGIC) + _NONCE_BYTES
        try:
            return self._cipher.decrypt(sealed[len(_MAGIC) : start], sealed[start:], sealed[: len(_MAGIC)])
        except (InvalidTag, ValueError):
            raise StoreError("what is stored does not open with this key; name the key file it was sealed with") from None

    def digest(self, text: str) -> str:
        """Return a name for a text that tells nothing of it without the key, the same each time."""
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


def open_vault(key_file: Path) -> Vault:
    """Return the vault of a key file, making the file with a new key where there is none.

    Raises:
        ConfigError: the file is not 32 bytes, cannot be read or made, or others may read it.
    """
    try:
        if not key_file.exists():
            handle = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(os.urandom(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
        if key_file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError(f"others may read the key file {key_file}; take that from them: chmod 600 {key_file}")
        key = key_file.read_bytes()
    except OSError as error:
        raise ConfigError(f"the key file {key_file} cannot be read or made ({error.strerror}); name another with store.key_file") from None
    if len(key) != KEY_BYTES:
        raise ConfigError(f"the key file {key_file} has {len(key)} bytes, a key has {KEY_BYTES}; is this the right file?")
    return Vault(key)
