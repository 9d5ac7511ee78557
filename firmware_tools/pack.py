"""The bundle that goes out: its card complete, its parity proved, its golden set followed; the same bytes wherever it is packed."""

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from edge import parity
from edge.errors import BundleError
from edge.recognize.bundle import CARD, MOST_BYTES, Bundle, parse_bundle, read_bundle, save_bundle, write_bundle
from edge.service.versions import version_key

_SOURCE = {"name": str, "kind": str, "licence": str, "sha256": str, "is_open": bool}
_FIGURE = {"name": str, "n": int, "exact": float, "exact_low": float, "exact_high": float}


def pack(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="A bundle, or a folder with card.json, models/ and golden/.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The bundle to write.")],
    version: Annotated[str | None, typer.Option("--version", help="Another version than the card's, such as 1.4.2.")] = None,
    needs_reader: Annotated[str | None, typer.Option("--needs-reader", metavar="VERSION", help="Older readers refuse the bundle.")] = None,
    case_ms: Annotated[
        float, typer.Option("--case-ms", min=1, help="The most that a network may take for a case of the golden set, on the device.")
    ] = 250.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make the one file that devices get, of what checkreader-train quantize left.

    What the parity gate would refuse is not packed, nor is a bundle whose card is not complete, or that does not give its own golden set.
    """
    from edge.trial import try_bundle

    card, members = read_parts(source)
    card = {**card, "limits": {"case_ms": case_ms}}
    card |= {key: value for key, value in (("version", version), ("needs_reader", needs_reader)) if value is not None}
    data = write_bundle(card, members)
    bundle = parse_bundle(data, str(source))
    reasons = what_is_missing(bundle)
    reasons += [f"{f.name}: {f.words}" for f in try_bundle(bundle, bundle, "auto", 1, None) if not f.is_passed and f.name != "time"]
    if reasons:
        raise BundleError(f"{source} is not packed: {'; '.join(reasons)}")
    save_bundle(out, data)
    if as_json:
        typer.echo(json.dumps({"file": str(out), "version": bundle.version, "sha256": bundle.sha256, "bytes": len(data)}))
        return
    typer.echo(f"{out}: version {bundle.version}, {len(data):,} bytes, sha256 {bundle.sha256}")
    for network in sorted(name for name, used in bundle.card.raw["calibration"].items() if used.get("allow_narrow")):
        typer.echo(f"note: the calibration set of {network} was narrow, and taken all the same")


def read_parts(source: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the card and the members of a bundle, or of a folder that holds the same files.

    Raises:
        BundleError: a file is missing, too large, or not the one that the card has the hash of.
    """
    if not source.is_dir():
        bundle = read_bundle(source)
        networks = bundle.card.networks
        return dict(bundle.card.raw), {networks[name].file: model for name, model in bundle.models.items()} | dict(bundle.golden)
    try:
        files = sorted(file for file in source.rglob("*") if file.is_file())
        if (size := sum(file.stat().st_size for file in files)) > MOST_BYTES:
            raise BundleError(f"{source} holds {size} bytes, a bundle has at most {MOST_BYTES}: is this the right folder?")
        members = {file.relative_to(source).as_posix(): file.read_bytes() for file in files}
    except OSError as error:
        raise BundleError(f"{source} cannot be read ({error.strerror}); name a bundle, or a folder with {CARD}") from error
    if CARD not in members:
        raise BundleError(f"{source} holds no {CARD}; name a bundle, or the folder that one was unpacked into")
    try:
        card = json.loads(members.pop(CARD))
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{source / CARD} is not valid JSON ({error}); take it from checkreader-train quantize") from error
    if not isinstance(card, dict):
        raise BundleError(f"{source / CARD} is no JSON object; take it from checkreader-train quantize")
    stated = card.get("files")
    packed = parse_bundle(write_bundle(card, members), str(source))
    if stated is not None and stated != dict(packed.card.files):
        other = sorted(name for name in packed.card.files if not isinstance(stated, dict) or stated.get(name) != packed.card.files[name])
        raise BundleError(f"{source}: {', '.join(other) or 'the list of files'} is not what the card has the hash of; quantize again")
    return card, members


def what_is_missing(bundle: Bundle) -> list[str]:
    """Return what the card lacks before a bundle may go out: each with the field and what is expected; empty where it is complete."""
    raw = bundle.card.raw
    return [*_of_version(raw), *_of_parity(raw), *_of_accuracy(raw), *_of_sources(raw), *_of_making(bundle)]


def _of_version(raw: Any) -> list[str]:
    reasons = []
    for field in ("version", "needs_reader"):
        try:
            version_key(str(raw.get(field, "0")))
        except BundleError as error:
            reasons.append(f"{field}: {error}")
    return reasons


def _of_parity(raw: Any) -> list[str]:
    counts = raw.get("parity")
    if not isinstance(counts, dict):
        return [f"the field parity is {counts!r}, expected are the counts that checkreader-train quantize writes when the gate has passed"]
    counts = dict(counts)
    if counts.get("n_flipped") == 0:  # then none of them is an amount, whether that is counted or not
        counts.setdefault("n_flipped_amounts", 0)
    wrong = [name for name in parity.COUNTS if type(counts.get(name)) is not int or counts[name] < 0]
    if wrong or not counts["n"]:
        name = wrong[0] if wrong else "n"
        return [f"the field parity.{name} is {counts.get(name)!r}, expected is a count of strips"]
    return [f"parity: {reason}" for reason in parity.refusals(counts)]


def _of_accuracy(raw: Any) -> list[str]:
    figures = raw.get("accuracy")
    if not isinstance(figures, list) or not figures:
        return ["the field accuracy is empty, expected are figures (checkreader-train evaluate --write)"]
    reasons = _rows("accuracy", figures, _FIGURE)
    return reasons or [
        f"the field accuracy of {f['name']} has n {f['n']}, and {f['exact_low']} to {f['exact_high']} around {f['exact']}"
        for f in figures
        if f["n"] < 1 or not 0 <= f["exact_low"] <= f["exact"] <= f["exact_high"] <= 1
    ]


def _of_sources(raw: Any) -> list[str]:
    sources = raw.get("sources")
    if not isinstance(sources, list) or not sources:
        return ["the field sources is empty, expected are the sets that were learned from, with licence and hash"]
    reasons = _rows("sources", sources, _SOURCE)
    return reasons or [
        f"the field sources says of {source['name']} the licence {source['licence']!r} and the sha256 {source['sha256']!r}"
        for source in sources
        if not source["licence"] or not re.fullmatch(r"[0-9a-f]{64}", source["sha256"])
    ]


def _of_making(bundle: Bundle) -> list[str]:
    raw, reasons = bundle.card.raw, []
    for field in ("runs", "calibration"):
        said = raw.get(field)
        lacking = sorted(set(bundle.models) - set(said)) if isinstance(said, dict) else ["everything"]
        if lacking:
            reasons.append(f"the field {field} lacks {', '.join(lacking)}, expected is every network")
    if not raw.get("tools"):
        reasons.append("the field tools is empty, expected are the versions of what made the bundle")
    return reasons


def _rows(field: str, rows: list[Any], expected: dict[str, type]) -> list[str]:
    for number, row in enumerate(rows):
        for key, kind in expected.items():
            value = row.get(key) if isinstance(row, dict) else None
            if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
                return [f"the field {field}[{number}].{key} is {value!r}, expected is {kind.__name__}"]
    return []
