"""The certificate that the device makes, and the one that it is given."""

import ssl
from pathlib import Path

import pytest
from cryptography import x509

from edge.errors import ConfigError
from edge.service.tls import given_certificate, own_certificate


def names_of(path: Path) -> set[str]:
    held = x509.load_pem_x509_certificate(path.read_bytes()).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in held}


def test_the_devices_own_certificate_is_kept_and_can_be_served(tmp_path: Path) -> None:
    made = own_certificate(tmp_path / "tls", ["192.168.1.5", "0.0.0.0"])
    assert own_certificate(tmp_path / "tls", ["192.168.1.5"]) == made
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(made.certificate, made.key)
    assert {"localhost", "127.0.0.1", "::1", "192.168.1.5"} <= names_of(made.certificate)
    assert "0.0.0.0" not in names_of(made.certificate)
    assert made.key.stat().st_mode & 0o077 == 0
    assert len(made.fingerprint.split(":")) == 32


def test_a_new_name_brings_a_new_certificate(tmp_path: Path) -> None:
    first = own_certificate(tmp_path)
    second = own_certificate(tmp_path, ["counter.example"])
    assert first.fingerprint != second.fingerprint
    assert "counter.example" in names_of(second.certificate)


def test_a_damaged_certificate_of_our_own_is_made_again(tmp_path: Path) -> None:
    made = own_certificate(tmp_path)
    made.certificate.write_text("rubbish")
    assert own_certificate(tmp_path).fingerprint != made.fingerprint


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be kept there"):
        own_certificate(tmp_path / "file" / "tls")


def test_a_given_certificate_needs_its_own_key(tmp_path: Path) -> None:
    one, other = own_certificate(tmp_path / "one"), own_certificate(tmp_path / "other")
    assert given_certificate(one.certificate, one.key) == one
    with pytest.raises(ConfigError, match="belongs to another certificate"):
        given_certificate(one.certificate, other.key)
    with pytest.raises(ConfigError, match="is not a certificate"):
        given_certificate(one.key, one.key)
    with pytest.raises(ConfigError, match="is not a private key"):
        given_certificate(one.certificate, one.certificate)
    with pytest.raises(ConfigError, match="cannot be read"):
        given_certificate(tmp_path / "none.pem", one.key)
