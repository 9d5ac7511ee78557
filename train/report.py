"""The report of a bundle: one self-contained page with everything that was measured of it, for a person who would rather look than read.

Without the labelled sets it is drawn from the card, the committed float weights and strips of our own generator, and says so.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import cv2
import numpy as np

from train.calibrate import calibration_error
from train.coverage import LayerFigure
from train.report_charts import Curve, draw_chart, draw_matrix
from train.report_evidence import Evidence
from train.report_networks import DesignFigure
from train.report_page import figure, grid, page, paragraph, table
from train.report_reading import GENERATED, NOTHING, Read, confusion, reliability, risk_band, worst_errors

_STYLES = ("c0", "c1", "c2", "c3", "c4", "c5")
_NAMES = {"strip": "strips of digits and amounts", "micr": "MICR lines", "date": "dates"}
# Fewer strips than this give no curve that says anything.
_LEAST_FOR_A_CURVE = 100
_MOST_PICTURE_PX = 420
# Where an axis may end so that its five parts are round figures.
_SCALES = (0.05, 0.1, 0.25, 0.5, 1.0)


def build_report(evidence: Evidence) -> str:
    """Return the page as HTML text."""
    version = str(evidence.card["version"])
    sections = [
        (f"checkreader {version}", _opening(evidence)),
        ("Accuracy by source", _accuracy(evidence)),
        ("Risk and coverage", _risk(evidence)),
        ("Are the probabilities honest?", _reliability(evidence.read)),
        ("What is taken for what", _confusion(evidence.read)),
        ("int8 against float, layer by layer", _layers(evidence.layers, sorted(evidence.sizes.keys() - evidence.layers.keys()))),
        ("Size and speed of the designs", _designs(evidence.designs)),
        ("Learning curves", _curves(evidence.curves)),
        ("The worst errors", _errors(evidence)),
    ]
    return page(f"checkreader {version}: report", sections)


def _opening(evidence: Evidence) -> str:
    total = sum(evidence.sizes.values())
    html = paragraph(f"{len(evidence.sizes)} int8 networks, {total / 1e3:,.0f} kB together. Bundle sha256 {evidence.sha256}.", "soft")
    if evidence.has_sets:
        return html + paragraph(
            "This page was built where the labelled sets are: it holds pictures from sets of other people, whose licences may not allow "
            "passing them on. Keep it to yourself; a page built without the sets holds none.",
            "note",
        )
    return html + paragraph(
        "No labelled sets were there when this page was built (TRAIN_DATA or --data names them). Missing for that reason: curves, "
        "confusion and probabilities on real strips, and the worst errors as pictures. In their place stand strips of the project's own "
        "generator, and the accuracy that was recorded on the bundle's card. Drawn strips are harder than most real ones, and the "
        "thresholds were fitted on real ones: on drawn strips no error budget is promised.",
        "note",
    )


def _accuracy(evidence: Evidence) -> str:
    heads = ("source", "n", "right", "95 % interval (Wilson)", "accepted", "wrong among accepted", "at most (95 %)")
    html = paragraph("Whole strings on strips that took no part in training or in fitting thresholds; accepted at an error budget of 1 %.")
    html += table(heads, [_accuracy_row(asdict(f)) for f in evidence.accuracy])
    if not evidence.has_sets and evidence.card["accuracy"]:
        html += "<h3>As recorded on the card</h3>" + table(heads, [_accuracy_row(f) for f in evidence.card["accuracy"]])
    return html


def _accuracy_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    shown = (row["name"], f"{row['n']:,}", _percent(row["exact"]), f"{_percent(row['exact_low'])} to {_percent(row['exact_high'])}")
    if row["accepted"] is None:
        return (*shown, "", "", "")
    wrong = round(row["error_among_accepted"] * row["n_accepted"])
    return (*shown, _percent(row["accepted"]), f"{wrong} of {row['n_accepted']:,}", _percent(row["error_upper"]))


def _by_network(read: Sequence[Read]) -> dict[str, list[Read]]:
    """Group what was read; a strip that was read as digits and as an amount counts once, as digits."""
    read = _most_real(read)
    twice = {r.file for r in read if r.source == "orand_car_a/digits"}
    groups: dict[str, list[Read]] = {}
    for r in read:
        if not (r.source == "orand_car_a/amount" and r.file in twice):
            groups.setdefault(r.network, []).append(r)
    return {name: rows for name, rows in groups.items() if len(rows) >= _LEAST_FOR_A_CURVE}


def _most_real(read: Sequence[Read]) -> Sequence[Read]:
    """Return the strips of labelled sets where there are any, else those of the generator: the two are never mixed in one curve."""
    real = [r for r in read if not r.source.startswith(GENERATED)]
    return real or read


def _risk(evidence: Evidence) -> str:
    html = paragraph(
        "From the surest strip down: how many are accepted, and how many of those are wrong, with a 95 % band (Clopper and Pearson). "
        "Upright lines stand where the bundle's thresholds lie for each error budget."
    )
    charts, rows = [], []
    for name, read in _by_network(evidence.read).items():
        ordered = sorted(read, key=lambda r: -r.confidence)
        n = np.arange(1, len(ordered) + 1)
        wrong = np.cumsum([not r.is_right for r in ordered])
        low, high = risk_band(wrong.tolist(), n.tolist())
        coverage, risk = n / len(n), wrong / n
        kept = np.unique(np.concatenate([np.linspace(0, len(n) - 1, 200).astype(int), [len(n) - 1]]))
        band = [(coverage[i], high[i]) for i in kept] + [(coverage[i], low[i]) for i in kept[::-1]]
        accept = next(iter(evidence.card["thresholds"][name]["accept"].values()))
        marks = {}
        for budget, threshold in accept.items():
            accepted = [r for r in read if threshold is not None and r.confidence >= threshold]
            if threshold is not None:
                marks[f"{100 * float(budget):g} %"] = len(accepted) / len(read)
            n_wrong = sum(not r.is_right for r in accepted)
            rows.append(
                (
                    _NAMES[name],
                    f"{100 * float(budget):g} %",
                    "none promises it" if threshold is None else f"{threshold:.4f}",
                    f"{_percent(len(accepted) / len(read))} of {len(read):,}",
                    f"{n_wrong} of {len(accepted):,}",
                )
            )
        most = next(m for m in _SCALES if m >= min(1.0, 1.3 * risk[-1]))
        curve = Curve("share wrong among the accepted", [(coverage[i], risk[i]) for i in kept], "c0", band)
        chart = draw_chart(f"risk and coverage, {name}", [curve], ("share accepted", 0, 1), ("share wrong", 0, most), marks)
        charts.append(figure(f"{_NAMES[name]}, n = {len(read):,}", chart))
    return html + grid(charts) + table(("network", "budget", "threshold", "accepted", "wrong among them"), rows)


def _reliability(read: Sequence[Read]) -> str:
    html = paragraph("Ten bins of equally many strips: stated confidence against the share that was right. On the dotted line they agree.")
    charts = []
    for name, rows in _by_network(read).items():
        right = [r.is_right for r in rows]
        curves, errors = [Curve("honest", [(0, 0), (1, 1)], "rule")], []
        for label, style, values in (
            ("before the temperature", "c1", [r.raw_confidence for r in rows]),
            ("after", "c0", [r.confidence for r in rows]),
        ):
            curves.append(Curve(label, reliability(values, right), style, has_dots=True))
            errors.append(f"{label} {calibration_error(values, right):.4f}")
        chart = draw_chart(f"reliability, {name}", curves, ("stated confidence", 0, 1), ("share right", 0, 1))
        charts.append(
            figure(f"{_NAMES[name]}, n = {len(rows):,}", chart + paragraph(f"Expected calibration error: {', '.join(errors)}", "soft"))
        )
    return html + grid(charts)


def _confusion(read: Sequence[Read]) -> str:
    html = paragraph(
        f"Labels and readings, aligned symbol by symbol: rows are what stands there, columns what was read; {NOTHING} is nothing. "
        "Blue on the diagonal is right; of errors even single ones are tinted."
    )
    charts = []
    for kind, name in (("digits", "strip"), ("micr", "micr")):
        rows = [r for r in _most_real(read) if r.kind == kind]
        if rows:
            names, counts = confusion(rows)
            n_wrong = int(counts.sum() - np.trace(counts))
            caption = f"{_NAMES[name]}: {n_wrong:,} of {int(counts.sum()):,} symbols wrong, in {len(rows):,} strips"
            charts.append(figure(caption, draw_matrix(f"confusion, {name}", names, counts)))
    return html + grid(charts)


def _layers(layers: Mapping[str, list[LayerFigure]], strangers: Sequence[str]) -> str:
    html = paragraph(
        "Each activation of the int8 network beside that of its float twin, on pictures that calibration did not see: drawn ones, and "
        "strips of the labelled sets where they are. SQNR is signal to quantization noise, errors of the layers before included. Beyond: "
        "the share of float activations outside the calibrated range."
    )
    if strangers:
        named = ", ".join(strangers)
        html += paragraph(f"Not shown: {named}. The bundle was not quantized from the float weights that are there.", "note")
    curves = [
        Curve(name, [(i / max(1, len(rows) - 1), r.sqnr_db) for i, r in enumerate(rows)], style)
        for style, (name, rows) in zip(_STYLES, layers.items(), strict=False)
    ]
    top = max((r.sqnr_db for rows in layers.values() for r in rows), default=40)
    html += grid(
        [figure("SQNR from the first layer to the last", draw_chart("SQNR by depth", curves, ("depth", 0, 1), ("dB", 0, top + 4)))]
    )
    worst = [
        (name, f"{min(r.sqnr_db for r in rows):.1f} dB", f"{rows[-1].sqnr_db:.1f} dB", _per_million(max(r.beyond for r in rows)))
        for name, rows in layers.items()
    ]
    html += table(("network", "least SQNR", "SQNR of the output", "most beyond the range, per million"), worst)
    for name, rows in layers.items():
        shown = [
            (
                f"{r.layer.index} {r.layer.operator}",
                "×".join(map(str, r.layer.shape)),
                f"{r.layer.limits[0]:.2f} to {r.layer.limits[1]:.2f}",
                f"{r.sqnr_db:.1f}",
                _per_million(r.beyond),
                _per_million(r.saturated),
            )
            for r in rows
        ]
        heads = ("operator", "shape", "range", "SQNR dB", "beyond, per million", "saturated, per million")
        html += f"<h3>{name}</h3>" + table(heads, shown)
    return html


def _designs(designs: Sequence[DesignFigure]) -> str:
    html = paragraph(
        "Bytes and microseconds (int8, one thread, this machine, least of many runs) of each design as it stands in the code. Shares "
        "right are those of the comparison in docs/experiments.md: two epochs from scratch, validate, ORAND n = 120, Meza n = 843; the "
        "coarse design had 330,069 parameters then."
    )
    rows = [
        (d.design, f"{d.input_size[0]} × {d.input_size[1]}", f"{d.parameters:,}", f"{d.n_bytes:,}", f"{d.us:,.0f}", *_recorded(d.recorded))
        for d in designs
    ]
    return html + table(("design", "input px", "parameters", "int8 bytes", "µs", "ORAND", "Meza"), rows)


def _recorded(shares: tuple[float, float] | None) -> tuple[str, str]:
    return (_percent(shares[0]), _percent(shares[1])) if shares else ("", "")


def _curves(curves: Mapping[str, list[dict[str, float]]]) -> str:
    html = paragraph("The last phase of each network's training, on the validation parts: these figures chose the epoch and nothing else.")
    charts = []
    for name, rows in curves.items():
        keys = [key for key in rows[0] if key not in ("epoch", "loss", "seconds", "score")]
        lines = [Curve(key, [(r["epoch"], r[key]) for r in rows], style) for style, key in zip(_STYLES, keys, strict=False)]
        values = [r[key] for r in rows for key in keys]
        low = max(0.0, min(values) - 0.02)
        x = ("epoch", 0.0, max(1.0, rows[-1]["epoch"]))
        charts.append(figure(name, draw_chart(f"learning curve, {name}", lines, x, ("share right", low, min(1.0, max(values) + 0.01)))))
    return html + grid(charts)


def _errors(evidence: Evidence) -> str:
    if not evidence.has_sets:
        return paragraph("No labelled sets, so no pictures of errors: build this page where the sets are to see them.", "soft")
    cells = []
    for r in worst_errors(evidence.read):
        height, width = r.picture.shape
        scale = min(1.0, _MOST_PICTURE_PX / width)
        small = cv2.resize(r.picture, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA)
        data = base64.b64encode(cv2.imencode(".png", small)[1].tobytes()).decode()
        said = paragraph(f"{r.label} → {r.text or 'nothing'}") + paragraph(
            f"{r.confidence:.3f}{', accepted' if r.is_accepted else ''} · {r.source} · {r.file}", "soft"
        )
        cells.append(f'<figure><img alt="" src="data:image/png;base64,{data}">{said}</figure>')
    return paragraph("Label → reading, the surest first: the errors that cost most.") + grid(cells, "errors")


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _per_million(share: float) -> str:
    return f"{1e6 * share:,.1f}"
