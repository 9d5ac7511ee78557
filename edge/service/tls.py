"""A certificate for the page: the owner's, or one that the device makes for itself."""

import datetime
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.errors import ConfigError
from edge.service.auth import write_private

# Browsers refuse certificates that are valid for longer (CA/Browser Forum, ballot SC22).
_VALID_DAYS = 397
# A new one is made this long before the old one ends, at the next start.
_RENEW_DAYS = 30


@dataclass(frozen=True, slots=True)
class Certificate:
    """Two PEM files and the SHA-256 fingerprint, which a person compares with what the browser shows."""

    certificate: Path
    key: Path
    fingerprint: str


def given_certificate(certificate: Path, key: Path) -> Certificate:
    """Return the owner's certificate after a look at whether it can be served.

    Raises:
        ConfigError: a file is missing or no PEM, the key belongs to another certificate, or the certificate has ended.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    try:
        parsed = x509.load_pem_x509_certificate(certificate.read_bytes())
    except OSError as error:
        raise ConfigError(f"{certificate}: the certificate cannot be read ({error.strerror})") from None
    except ValueError:
        raise ConfigError(f"{certificate}: this is not a certificate in PEM form") from None
    try:
        private = serialization.load_pem_private_key(key.read_bytes(), None)
    except OSError as error:
        raise ConfigError(f"{key}: the key cannot be read ({error.strerror})") from None
    except (ValueError, TypeError):
        raise ConfigError(f"{key}: this is not a private key in PEM form without a password") from None
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*form) != parsed.public_key().public_bytes(*form):
        raise ConfigError(f"{key}: this key belongs to another certificate than {certificate}")
    if parsed.not_valid_after_utc < datetime.datetime.now(datetime.UTC):
        raise ConfigError(f"{certificate}: the certificate ended on {parsed.not_valid_after_utc:%Y-%m-%d}; give a newer one")
    return Certificate(certificate, key, parsed.fingerprint(hashes.SHA256()).hex(":"))


def own_certificate(folder: Path, names: Sequence[str] = ()) -> Certificate:
    """Return the device's own certificate in ``folder``; make one where there is none, it ends soon, or it lacks one of ``names``.

    Raises:
        ConfigError: the folder cannot be written to.
    """
    from cryptography import x509

    certificate, key = folder / "certificate.pem", folder / "certificate.key"
    wanted = _names(names)
    if certificate.exists() and key.exists():
        try:
            found = given_certificate(certificate, key)
            parsed = x509.load_pem_x509_certificate(certificate.read_bytes())
            ends = parsed.not_valid_after_utc - datetime.timedelta(days=_RENEW_DAYS)
            held = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            if ends > datetime.datetime.now(datetime.UTC) and all(name in held for name in wanted):
                return found
        except (ConfigError, x509.ExtensionNotFound):
            pass  # what cannot be served is replaced, since nobody but this device made it
    pems = _self_signed(wanted)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(key, pems[1])
        write_private(certificate, pems[0])
    except OSError as error:
        raise ConfigError(f"{folder}: the certificate cannot be kept there ({error.strerror}); give a folder of yours") from None
    return given_certificate(certificate, key)


def _names(names: Sequence[str]) -> list[object]:
    """Return what browsers may call this device, as names and addresses of a certificate."""
    from cryptography import x509

    host = socket.gethostname()
    found: dict[object, None] = {}
    for name in ("localhost", host, f"{host.partition('.')[0]}.local", "127.0.0.1", "::1", *names):
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            found[x509.DNSName(name.encode("idna").decode())] = None
        else:
            if not address.is_unspecified:  # "listen everywhere" is no address that a browser could ask for
                found[x509.IPAddress(address)] = None
    return list(found)


def _self_signed(names: Sequence[object]) -> tuple[bytes, bytes]:
    """Return certificate and key in PEM form: ECDSA on P-256, which every browser of the last ten years takes."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "checkreader")])
    # An hour back: the device's clock may have been set since, and a browser's may be behind.
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=_VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)  # type: ignore[arg-type]  # names of two kinds
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(pem), private
