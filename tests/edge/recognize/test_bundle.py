import io
import json
import subprocess
import sys
import zipfile
from functools import cache
from importlib import resources
from pathlib import Path

import pytest

from edge.errors import BundleError
from edge.recognize.bundle import parse_bundle, read_bundle, save_bundle, write_bundle

ROOT = Path(__file__).resolve().parents[3]


@cache
def shipped() -> bytes:
    return resources.files("edge").joinpath("bundles", "checkreader.bundle").read_bytes()


def rewritten(**changes: object) -> bytes:
    """The shipped bundle with other parts of its card, written as any tool would, not as this project does."""
    bundle = parse_bundle(shipped(), "shipped")
    members = {bundle.card.networks[name].file: model for name, model in bundle.models.items()}
    members |= bundle.golden
    return write_bundle({**bundle.card.raw, **changes}, members)


def test_the_shipped_bundle_has_its_six_networks_under_900_kilobytes() -> None:
    bundle = read_bundle()
    assert set(bundle.models) == {"date", "digit", "fields", "micr", "page", "strip"}
    assert sum(map(len, bundle.models.values())) <= 900_000


def test_the_shipped_card_says_what_it_was_trained_on_and_how_well_it_reads() -> None:
    raw = read_bundle().card.raw
    assert all(source["licence"] and len(source["sha256"]) == 64 for source in raw["sources"])
    assert all(figure["exact_low"] <= figure["exact"] <= figure["exact_high"] for figure in raw["accuracy"])
    assert raw["accuracy"]


def test_the_same_contents_give_the_same_bytes() -> None:
    assert rewritten() == rewritten() == shipped()


def offsets() -> list[int]:
    """Every byte of the first and last 300, and a walk through the rest that meets every member."""
    size = len(shipped())
    return sorted({*range(300), *range(size - 300, size), *range(0, size, 4999)})


def test_any_changed_byte_is_refused() -> None:
    for offset in offsets():
        damaged = bytearray(shipped())
        damaged[offset] ^= 0x01
        with pytest.raises(BundleError):
            parse_bundle(bytes(damaged), "damaged")


@pytest.mark.parametrize("data", [b"", b"PK", b"not a bundle at all" * 100], ids=["empty", "two bytes", "text"])
def test_what_is_no_bundle_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(BundleError, match="fetch it again"):
        parse_bundle(data, "x.bundle")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_a_cut_bundle_is_refused(share: float) -> None:
    with pytest.raises(BundleError):
        parse_bundle(shipped()[: int(share * len(shipped()))], "cut.bundle")


def test_something_behind_the_bundle_is_refused() -> None:
    with pytest.raises(BundleError):
        parse_bundle(shipped() + b"\n", "long.bundle")


def test_a_bundle_zipped_by_another_tool_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(shipped())) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    with pytest.raises(BundleError, match="not written by this project"):
        parse_bundle(buffer.getvalue(), "other.bundle")


def test_a_missing_file_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="--bundle"):
        read_bundle(tmp_path / "none.bundle")


def test_a_newer_format_asks_for_a_newer_reader() -> None:
    with pytest.raises(BundleError, match="update the reader"):
        rewritten(format=2)


def test_a_card_with_a_wrong_type_names_the_key() -> None:
    networks = json.loads(json.dumps(parse_bundle(shipped(), "shipped").card.raw["networks"]))
    networks["strip"]["column_px"] = "two"
    with pytest.raises(BundleError, match=r"networks\.strip\.column_px"):
        rewritten(networks=networks)


def test_a_saved_bundle_is_read_back(tmp_path: Path) -> None:
    save_bundle(tmp_path / "new" / "x.bundle", shipped())
    assert read_bundle(tmp_path / "new" / "x.bundle").sha256 == read_bundle().sha256
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["x.bundle"]


FILL = """
import resource, sys
from pathlib import Path
from edge.errors import OutputError
from edge.recognize.bundle import save_bundle
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    save_bundle(Path(sys.argv[1]), bytes(200_000))
except OutputError as error:
    sys.exit(f"{error.exit_code} {error}")
"""


def test_a_full_disk_leaves_the_old_bundle_whole_and_nothing_half_written(tmp_path: Path) -> None:
    """A limit on the size of files stops the writing in its middle, as a full disk does."""
    path = tmp_path / "x.bundle"
    save_bundle(path, shipped())
    done = subprocess.run([sys.executable, "-c", FILL, str(path)], capture_output=True, text=True, cwd=ROOT)
    assert done.stderr.startswith("74 cannot write the bundle")
    assert "the bundle that was there is as it was" in done.stderr
    assert path.read_bytes() == shipped()
    assert [p.name for p in tmp_path.iterdir()] == ["x.bundle"]
