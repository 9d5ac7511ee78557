"""From a store's corrections to a comparison, a signature, and a device that takes what is better, or to the reason why there is none.

Fitting and proving take minutes, and so do devices: test_retrain_fleet.py. What is refused before and after is tested here.
"""

import json
import re
import subprocess
import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest

from edge.config import Config, StoreConfig
from edge.errors import ConfigError, UsageError
from edge.pipeline import Reader
from edge.recognize.bundle import Bundle, parse_bundle, read_bundle, write_bundle
from edge.service.export_training import export_strips
from edge.service.labelled import Labelled, hash_of, read_folders
from edge.service.store import Store
from firmware_tools.keys import make_key, read_key
from firmware_tools.retrain import LEAST_TRAINED, Order, Run, StepError, fit_networks, networks_to_fit, worse_on_sets
from tests.firmware_tools.conftest import ROOT, Device, Keys, bundle_with, firmware, members_of
from tests.firmware_tools.test_compare import with_swapped_digits
from train.data.other_site import keep_day, site_strips

RELEASED = ROOT / "train" / "released"
ORDER = Order(version="0.4.0", base_sha256="ab", released=str(RELEASED), corrections_sha256="cd", epochs=1, batches=2, rate=1e-4, seed=1)


def fields(n: int, kind: str = "amount") -> list[Labelled]:
    return [Labelled(Path("x.png"), kind, "1.00", 100, "USD", i, False, 1.0) for i in range(n)]  # type: ignore[arg-type]


def export_of(folder: Path, n_checks: int) -> Path:
    """Let a site run for a day, and export what its people looked at."""
    with closing(Store(folder / "store")) as store:
        keep_day(store, Reader(read_bundle()), site_strips(n_checks, seed=3), drawn_one_in=2)
    export_strips(Config(store=StoreConfig(folder=str(folder / "store"))), folder / "export")
    return folder / "export"


def test_a_network_is_fitted_where_there_is_enough_to_learn_from() -> None:
    assert networks_to_fit([*fields(100), *fields(20, "micr"), *fields(100, "date")]) == ["strip", "date"]
    assert networks_to_fit([*fields(60), *fields(60, "digits")]) == ["strip"]
    with pytest.raises(UsageError, match=rf"too few corrections to learn from \(0 for strip, .*at least {LEAST_TRAINED}"):
        networks_to_fit(fields(20, "micr"))
    with pytest.raises(UsageError, match="readings to judge by, at least 30 are needed"):
        networks_to_fit(fields(45))


def test_a_step_is_done_once_and_its_folder_belongs_to_one_retraining(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    done: list[str] = []
    run = Run(tmp_path / "run", ORDER, lambda _: None)
    run.step("one", lambda: (print("loud"), done.append("one"))[1])  # type: ignore[func-returns-value]
    with pytest.raises(StepError):
        run.step("two", lambda: (_ for _ in ()).throw(StepError("broken", 65)))
    again = Run(tmp_path / "run", ORDER, lambda _: None)
    for name in ("one", "two"):
        again.step(name, lambda name=name: done.append(name))  # type: ignore[misc]
    assert done == ["one", "two"]
    assert capfd.readouterr().out == ""
    other = Order(**{**{name: getattr(ORDER, name) for name in Order.__slots__}, "rate": 1e-3})
    with pytest.raises(UsageError, match=r"holds another retraining \(differs in rate\)"):
        Run(tmp_path / "run", other, lambda _: None)


def test_released_weights_that_are_missing_are_told(tmp_path: Path) -> None:
    order = Order(**{**{name: getattr(ORDER, name) for name in Order.__slots__}, "released": str(tmp_path)})
    with pytest.raises(ConfigError, match=r"has no weights.npz.*--released"):
        fit_networks(Run(tmp_path / "run", order, lambda _: None), ["strip"], order, [], tmp_path / "old.bundle", [])


def measured(version: str, *figures: tuple[str, int, int, int, int]) -> Bundle:
    rows = [
        {"name": name, "n": n, "n_right": right, "exact": right / n, "exact_low": 0.0, "exact_high": 1.0, "accepted": accepted / n,
         "n_accepted": accepted, "error_among_accepted": wrong / accepted if accepted else 0.0}
        for name, n, right, accepted, wrong in figures
    ]  # fmt: skip
    return parse_bundle(bundle_with(version=version, accuracy=rows), version)


SETS = {
    "the same": ((("a", 200, 180, 100, 1),), None),
    "four lost may be chance": ((("a", 200, 176, 100, 1),), None),
    "five lost on a small set": ((("a", 200, 175, 100, 1),), "on a 0.4.0 reads 5 of 200 fewer right than 0.3.0, at most 1 %"),
    "a little on each": ((("a", 200, 178, 100, 1), ("b", 400, 376, 100, 1)), "on all sets of strips 0.4.0 reads 6 of 600 fewer right"),
    "fewer are accepted": ((("a", 200, 180, 95, 1),), "on the development sets 0.4.0 accepts 94 of 200 rightly, 0.3.0 99; at most 2 %"),
    "more accepted wrongly": ((("a", 200, 180, 105, 6),), "6 of the 105 that 0.4.0 accepts are wrong, of 0.3.0's 1"),
    "none was measured": ((), "no figure of a development set is on both cards"),
    "of another size": ((("a", 150, 150, 100, 1),), "no figure of a development set is on both cards"),
}  # fmt: skip


@pytest.mark.parametrize("name", SETS)
def test_a_bundle_that_reads_the_development_sets_worse_is_told(name: str) -> None:
    new, cause = SETS[name]
    old = measured("0.3.0", ("a", 200, 180, 100, 1), ("b", 400, 380, 100, 1))
    found = worse_on_sets(old, measured("0.4.0", *new), 0.01)
    assert (found is None) is (cause is None), found
    assert (cause or "") in (found or "")


def test_what_makes_no_sense_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    def refused(*more: str | Path, folder: Path) -> tuple[int, str]:
        done = firmware("retrain", folder, "--run", tmp_path / "run", *more)
        assert not (tmp_path / "run").exists()
        return done.returncode, done.stderr

    code, said = refused("--version", "0.4.0", folder=tmp_path)
    assert (code, "export-training" in said) == (65, True), said
    export = export_of(tmp_path, 20)
    code, said = refused("--version", "0.3.0", folder=export)
    assert (code, "0.3.0 is not after 0.3.0" in said) == (64, True), said
    code, said = refused("--version", "0.4.0", "--deploy", "pi@counter-1", folder=export)
    assert (code, "--key" in said) == (64, True), said
    code, said = refused("--version", "0.4.0", "--json", folder=export)
    assert (code, "too few corrections" in said) == (64, True), said


def test_where_the_development_sets_are_missing_it_says_what_to_do(tmp_path: Path) -> None:
    words = ["--run", tmp_path / "run", "--version", "0.4.0", "--data", tmp_path / "none", "--json"]
    done = firmware("retrain", export_of(tmp_path, 130), *words)
    assert done.returncode == 66, done.stderr
    facts = json.loads(done.stdout)
    assert facts["verdict"] == "refuse"
    assert facts["cause"] == f"checkreader-train fit: no labelled sets at {tmp_path}/none: name their folder with --data or TRAIN_DATA"


def trained(folder: Path, bundle: bytes, base: Bundle, *exports: Path) -> list[str | Path]:
    """Leave a folder as it is when a bundle was trained and packed, and return the words that go on with it."""
    make_key(folder / "release.key", folder / "release.pub", None, "release", "2020-01-01", None)
    (folder / "run").mkdir()
    (folder / "run/checkreader.bundle").write_bytes(bundle)
    (folder / "base.bundle").write_bytes(write_bundle(base.card.raw, members_of(base)))
    order = Order(
        version="0.4.0", base_sha256=base.sha256, released=str(RELEASED), corrections_sha256=hash_of(read_folders(exports)), epochs=6,
        batches=150, rate=4e-4, seed=1,
    )  # fmt: skip
    steps = ("fit strip", "keep strip", "quantize", "evaluate", "pack")
    (folder / "run/retrain.json").write_text(json.dumps({"order": asdict(order), "done": dict.fromkeys(steps, 1.0)}))
    words: list[str | Path] = ["retrain", *exports, "--run", folder / "run", "--version", "0.4.0", "--key", folder / "release.key"]
    return [*words, "--bundle", folder / "base.bundle", "--released", RELEASED, "--json"]


def canary_of(folder: Path, trusted: Path) -> Device:
    """Return a device with slots of its own that trusts the key of a retraining."""
    folder.mkdir()
    return Device(folder, Keys(trusted, *[read_key(trusted / "release.key", None)] * 4))


def test_a_network_that_reads_the_site_worse_is_refused_and_not_signed(tmp_path: Path) -> None:
    words = trained(tmp_path, with_swapped_digits(version="0.4.0"), read_bundle(), export_of(tmp_path, 150))
    for _ in range(2):
        done = retrained(words)
        facts = json.loads(done.stdout)
        assert (done.returncode, facts["verdict"]) == (65, "refuse"), done.stderr
        assert re.search(r"refused: .*(0.4.0 reads \d+ of \d+ right|accepted wrongly by 0.4.0)", facts["cause"])
        assert facts["cause"] in done.stderr
        assert not (tmp_path / "run/checkreader.bundle.sig").exists()
    assert "checkreader.bundle.sig" in canary_of(tmp_path / "canary", tmp_path).refused(tmp_path / "run/checkreader.bundle", code=74)


def test_a_network_that_reads_the_site_better_is_promoted_and_signed_and_a_device_that_is_not_there_is_told(tmp_path: Path) -> None:
    base = parse_bundle(with_swapped_digits(version="0.3.9"), "base")
    words = trained(tmp_path, bundle_with(version="0.4.0"), base, export_of(tmp_path, 150))
    done = retrained([*words, "--deploy", f"--tries 1 --log {tmp_path}/deploy.log 127.0.0.1 -- --strange"])
    assert (done.returncode, json.loads(done.stdout)["verdict"]) == (64, "promote"), done.stderr
    done = retrained([*words, "--deploy", f"--tries 1 --log {tmp_path}/deploy.log ssh://nobody@127.0.0.1:1"])
    facts = json.loads(done.stdout)
    assert (done.returncode, facts["verdict"], list(facts["seconds"])[-1]) == (69, "promote", "sign"), done.stderr
    assert "Connection refused" in (tmp_path / "deploy.log").read_text()
    signed = firmware("verify", tmp_path / "run/checkreader.bundle", "--trust", tmp_path, "--json")
    assert (signed.returncode, json.loads(signed.stdout)["version"]) == (0, "0.4.0"), signed.stderr
    canary = canary_of(tmp_path / "canary", tmp_path)
    taken = canary.update(tmp_path / "run/checkreader.bundle")
    assert taken.returncode == 0, taken.stderr
    assert read_bundle(canary.firmware.begin()).version == "0.4.0"


def retrained(words: list[str | Path]) -> "subprocess.CompletedProcess[str]":
    """Run the command for as long as it takes."""
    command = [sys.executable, "-m", "firmware_tools", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
