"""From what a site corrected to a bundle that reads the site better, or to the reason why there is none.

Training needs TensorFlow, which is not in here: `checkreader-train` does that part, as a program of its own.
"""

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge.errors import BundleError, ConfigError, EdgeError, UsageError
from edge.recognize.bundle import Bundle, read_bundle
from edge.service.audit import is_at_risk
from edge.service.durable import write_whole
from edge.service.labelled import Labelled
from firmware_tools.compare import LEAST_READINGS, Comparison, compare
from firmware_tools.pack import pack

# With fewer strips to learn from, a network stays as it is.
LEAST_TRAINED = 20
NETWORKS = ("strip", "date", "micr", "digit", "fields", "page")
_KINDS_OF = {"strip": ("amount", "digits"), "date": ("date",), "micr": ("micr",)}
# On a development set so many readings may be lost by chance alone: five in a row are lost one time in 32 where a gain is as likely.
_LEAST_LOST = 5
_MOST_LOST_ON_ONE, _MOST_LOST_ON_ALL = 0.01, 0.005
# Of all strips of the development sets, so many more may be left to a person: thresholds are fitted anew, and move with single strips.
_MOST_UNSURE = 0.02


class StepError(EdgeError):
    """A program that a step is made of has failed; ``exit_code`` is its own."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What makes a retraining what it is; kept in its folder and compared when it goes on.

    ``base_sha256``: of the bundle that devices have; ``released``: the folder of its float weights; ``corrections_sha256``: of all fields.
    """

    version: str
    base_sha256: str
    released: str
    corrections_sha256: str
    epochs: int
    batches: int
    rate: float
    seed: int


class Run:
    """A folder in which steps are done once each, whoever interrupts it.

    Raises:
        UsageError: another retraining is in the folder.
    """

    def __init__(self, folder: Path, order: Order, tell: Callable[[str], None]) -> None:
        self.folder, self._state, self._tell = folder, folder / "retrain.json", tell
        wanted = asdict(order)
        if self._state.is_file():
            kept: dict[str, Any] = json.loads(self._state.read_text())
            if differing := sorted(key for key in wanted if kept["order"].get(key) != wanted[key]):
                raise UsageError(f"{folder} holds another retraining (differs in {', '.join(differing)}); name another folder with --run")
            self.done: dict[str, float] = kept["done"]
        else:
            self.done = {}
        self._order = wanted

    def step(self, name: str, work: Callable[[], None]) -> None:
        """Do a step that was not done yet; what it prints goes to the standard error, since the outcome is what is asked for."""
        if name in self.done:
            self._tell(f"{name}: done before, in {self.done[name]:.0f} s")
            return
        self._tell(f"{name} ...")
        started = time.monotonic()
        with redirect_stdout(sys.stderr):
            work()
        self.done[name] = round(time.monotonic() - started, 1)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._state, json.dumps({"order": self._order, "done": self.done}, indent=1).encode() + b"\n")
        self._tell(f"{name}: {self.done[name]:.0f} s")


def networks_to_fit(fields: Sequence[Labelled]) -> list[str]:
    """Return the networks that have enough to learn from.

    Raises:
        UsageError: none has, or too little is left to judge by.
    """
    parts = {network: Counter(field.part for field in fields if field.kind in kinds) for network, kinds in _KINDS_OF.items()}
    chosen = [network for network, counts in parts.items() if counts["train"] >= LEAST_TRAINED]
    if not chosen:
        said = ", ".join(f"{counts['train']} for {network}" for network, counts in parts.items())
        raise UsageError(f"there are too few corrections to learn from ({said}; at least {LEAST_TRAINED} are needed); review more")
    n_judging = sum(parts[network]["judge"] for network in chosen)
    if n_judging < LEAST_READINGS:
        raise UsageError(f"there are {n_judging} readings to judge by, at least {LEAST_READINGS} are needed; review more")
    return chosen


def fit_networks(run: Run, networks: Sequence[str], order: Order, corrections: Sequence[Path], old: Path, data: Sequence[str]) -> None:
    """Train each network on from its released weights, keep of these what the validation strips ask for, and lay the others beside it.

    Raises:
        ConfigError: the released weights of a network are not there.
        StepError: training failed; there are no development sets, for one; or too much is forgotten, with the exit code 65.
    """
    released, runs, fitted = Path(order.released), run.folder / "runs", run.folder / "fitted"
    for network in NETWORKS:
        if not (released / network / "weights.npz").is_file():
            raise ConfigError(f"{released / network} has no weights.npz; name the folder of the float weights with --released")
    for network in networks:
        design = str(json.loads((released / network / "config.json").read_text())["design"])
        words = ["fit", design, "--run", fitted / network, "--start-from", released / network / "weights.npz", *data]
        words += ["--epochs", order.epochs, "--batches", order.batches, "--rate", order.rate, "--seed", order.seed]
        words += [word for folder in corrections for word in ("--corrections", folder)]
        run.step(f"fit {network}", lambda words=words: _train(words))  # type: ignore[misc]
        words = ["keep", fitted / network, "--released", released / network, "--bundle", old, "--out", runs / network, *data]
        run.step(f"keep {network}", lambda words=words: _train(words))  # type: ignore[misc]
    for network in set(NETWORKS) - set(networks):
        (runs / network).mkdir(parents=True, exist_ok=True)
        for name in ("config.json", "weights.npz"):
            shutil.copyfile(released / network / name, runs / network / name)


def make_bundle(run: Run, version: str, old: Path, data: Sequence[str]) -> Path:
    """Quantize through the parity gate, measure on the development sets, and pack; return the bundle, which is not signed yet.

    Its thresholds are at least those of the ``old`` one.

    Raises:
        StepError: the gate refuses, with its exit code 65.
        BundleError: it cannot be packed.
    """
    quantized, packed = run.folder / "quantized.bundle", run.folder / "checkreader.bundle"
    runs = [run.folder / "runs" / network for network in NETWORKS]
    run.step("quantize", lambda: _train(["quantize", *runs, "--out", quantized, "--version", version, "--not-below", old, *data]))
    run.step("evaluate", lambda: _train(["evaluate", "--bundle", quantized, "--write", *data]))
    run.step("pack", lambda: pack(quantized, packed))
    return packed


def judge(old: Bundle, new_file: Path, fields: Sequence[Labelled], budget: float | None) -> tuple[Comparison, str | None]:
    """Return what was found of the new bundle, and why it must not go out: on the site's own readings, then on the development sets."""
    new = read_bundle(new_file)
    comparison = compare(old, new, fields, budget)
    return comparison, comparison.reason() or worse_on_sets(old, new, comparison.budget)


def worse_on_sets(old: Bundle, new: Bundle, budget: float) -> str | None:
    """Return on which development set the new bundle reads worse, by the figures on both cards; None where it does not.

    A set counts as worse where more than 1 % of it and at least five readings are lost, all sets of strips together at 0.5 %, and where
    of all 2 % fewer are accepted rightly.
    """
    rows = [(a, b) for a, b in _same_sets(old, new) if a["accepted"] is not None]
    if not rows:
        return "no figure of a development set is on both cards; measure the old bundle with checkreader-train evaluate --write"
    lost = {a["name"]: (a["n_right"] - b["n_right"], a["n"]) for a, b in rows}
    lost["all sets of strips"] = sum(n for n, _ in lost.values()), sum(n for _, n in lost.values())
    for name, (n_lost, n) in lost.items():
        most = _MOST_LOST_ON_ONE if name in {a["name"] for a, _ in rows} else _MOST_LOST_ON_ALL
        if n_lost >= _LEAST_LOST and n_lost > most * n:
            return f"on {name} {new.version} reads {n_lost} of {n} fewer right than {old.version}, at most {100 * most:g} % are allowed"
    wrong_old, wrong_new = (sum(round(r["error_among_accepted"] * r["n_accepted"]) for r in side) for side in zip(*rows, strict=True))
    before, n_accepted = (sum(r["n_accepted"] for r in side) for side in zip(*rows, strict=True))
    n, n_rightly, n_before = sum(b["n"] for _, b in rows), n_accepted - wrong_new, before - wrong_old
    if n_before - n_rightly > _MOST_UNSURE * n:
        said = f"on the development sets {new.version} accepts {n_rightly} of {n} rightly, {old.version} {n_before}"
        return f"{said}; at most {100 * _MOST_UNSURE:g} % fewer are allowed"
    if wrong_new > wrong_old and is_at_risk(wrong_new, n_accepted, budget):
        said = f"on the development sets {wrong_new} of the {n_accepted} that {new.version} accepts are wrong"
        return f"{said}, of {old.version}'s {wrong_old}; the budget is {100 * budget:g} %"
    return None


def refuse(reason: str) -> BundleError:
    return BundleError(f"refused: {reason}")


def run_deploy(bundle: Path, words: Sequence[str]) -> int:
    """Bring a signed bundle to devices by the command itself; return its exit code."""
    command = [sys.executable, "-m", "firmware_tools", "deploy", "--bundle", str(bundle), *words]
    return subprocess.run(command, stdout=sys.stderr, check=False).returncode


def _same_sets(old: Bundle, new: Bundle) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    before = {figure["name"]: figure for figure in old.card.raw.get("accuracy", ())}
    return [(before[f["name"]], f) for f in new.card.raw.get("accuracy", ()) if f["name"] in before and before[f["name"]]["n"] == f["n"]]


def _train(words: Sequence[object]) -> None:
    """Run checkreader-train; its complaints are shown as they come, and the last of its own is the cause."""
    command = [sys.executable, "-m", "train.cli", *map(str, words)]
    cause = ""
    with subprocess.Popen(command, stdout=sys.stderr, stderr=subprocess.PIPE, text=True, errors="replace") as child:
        assert child.stderr is not None
        for line in child.stderr:
            sys.stderr.write(line)
            if line.startswith("checkreader-train: "):
                cause = line.partition(": ")[2].strip()
            elif cause and line.startswith("  "):  # what the gate has found, set by set
                cause += f" {line.strip()};"
    if child.returncode:
        said = cause or f"it ended with {child.returncode}; what it said stands above"
        raise StepError(f"checkreader-train {words[0]}: {said}", child.returncode if child.returncode > 0 else 70)
