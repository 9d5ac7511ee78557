"""The work of `checkreader read` and `checkreader classify`: picture after picture, an answer for each, and one exit code."""

import datetime
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from edge import output
from edge.capture.camera import open_camera
from edge.capture.picture import find_pictures, load_pages
from edge.config import CameraConfig
from edge.datatypes import CheckReading, Frame
from edge.decode.country import AUTO
from edge.decode.currency import currency_of
from edge.digit_files import load_digits, load_labels, wilson_interval
from edge.errors import PictureError
from edge.fuse import follow
from edge.pipeline import Kind, Reader
from edge.recognize.bundle import read_bundle

# Each check that is followed, as it was read in one frame after another.
_Tracks = list[tuple[CheckReading, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What `checkreader read` was asked for; ``strip`` None: whole checks, ``budget`` None: the one on the bundle's card."""

    strip: Kind | None
    as_json: bool
    annotate: Path | None
    currency: str
    today: datetime.date
    bundle: Path | None
    runtime: str
    threads: int
    budget: float | None


def read_paths(paths: Sequence[Path], request: Request) -> int:
    """Read every picture and answer for each as soon as it is read; return the exit code of the first that went wrong, or 0."""
    answers = _Answers(request)
    exit_code = 0
    for path in paths:
        try:
            pictures = find_pictures([path])
        except PictureError as error:
            output.complain(f"{output.shown_name(str(path))}: {error}")
            exit_code = exit_code or error.exit_code
            continue
        for picture in pictures:
            try:
                for frame in load_pages(picture):
                    answers.add(frame)
            except PictureError as error:
                output.complain(f"{output.shown_name(str(picture))}: {error}")
                exit_code = exit_code or error.exit_code
    return exit_code


def read_camera(name: str, request: Request) -> int:
    """Read frames, those of one check together, until a check's amount is accepted; when no more frames come, answer for the best one."""
    with closing(open_camera(CameraConfig(source=name))) as camera:
        _read_together(iter(camera.read, None), _Answers(request), follow)
    return 0


def read_burst(paths: Sequence[Path], request: Request) -> int:
    """Read pictures that are frames of one check, together, until the amount is accepted; return 0 or a broken picture's exit code."""
    exit_code = 0

    def frames() -> Iterator[Frame]:
        nonlocal exit_code
        for picture in find_pictures(paths):
            try:
                yield from load_pages(picture)
            except PictureError as error:
                output.complain(f"{output.shown_name(str(picture))}: {error}")
                exit_code = exit_code or error.exit_code

    def one_check(tracks: _Tracks, checks: Sequence[CheckReading]) -> _Tracks:
        """Whoever says that the frames are of one check is believed: the largest of each frame is it."""
        return [(*(tracks[0] if tracks else ()), checks[0])] if checks[0].page is not None else tracks

    _read_together(frames(), _Answers(request), one_check)
    return exit_code


def _read_together(frames: Iterator[Frame], answers: "_Answers", add: Callable[[_Tracks, Sequence[CheckReading]], _Tracks]) -> None:
    """Follow the checks from frame to frame; answer with the first whose amount is accepted, or with the surest one at the end."""
    tracks: _Tracks = []
    best: tuple[float, Frame, CheckReading] | None = None
    for frame in frames:
        checks = answers.read(frame)
        tracks = add(tracks, checks)
        # What this frame shows, with all that was seen of the same checks before; a frame without a check is still an answer.
        fused = [answers.fuse(track) for track in tracks if track[-1] in checks] or list(checks)
        for check in fused:
            if best is None or _confidence(check) > best[0]:
                best = _confidence(check), frame, check
        if any(output.is_accepted(check) for check in fused):
            answers.write(frame, fused)
            return
    if best is not None:
        output.complain("no amount was accepted; this is the best that was seen")
        answers.write(best[1], [best[2]])


def _confidence(check: CheckReading) -> float:
    """Return how sure the amount is; a page without an amount is still better than none."""
    if check.page is None:
        return -1.0
    amount = check.fields.get("amount")
    return amount.confidence if amount else 0.0


class _Answers:
    """Reads frames as the request wants it, and writes each answer where it wants it.

    Raises:
        UsageError: the currency is not known.
        OutputError: the folder for drawings cannot be written to.
        BundleError: the bundle does not fit its card.
        MissingDependencyError: the runtime is not installed.
    """

    def __init__(self, request: Request) -> None:
        if request.currency != AUTO:
            currency_of(request.currency)  # no picture has to be read to refuse an unknown one
        self._request = request
        self._drawn: set[Path] = set()
        if request.annotate is not None:
            from edge.drawing_files import prepare_folder

            prepare_folder(request.annotate)
        bundle = read_bundle(request.bundle)
        self._identity = {"version": bundle.version, "sha256": bundle.sha256}
        self._reader = Reader(bundle, request.runtime, request.threads, request.budget, today=request.today)
        self._table = None if request.as_json else output.ReadingTable()

    def add(self, frame: Frame) -> None:
        if self._request.strip is None:
            self.write(frame, self.read(frame))
        else:
            self._add_strip(frame, self._request.strip)

    def read(self, frame: Frame) -> tuple[CheckReading, ...]:
        return self._reader.read_frame(frame, self._request.currency)

    def fuse(self, seen: Sequence[CheckReading]) -> CheckReading:
        return self._reader.fuse(seen)

    def write(self, frame: Frame, checks: Sequence[CheckReading]) -> None:
        for check in checks:
            if self._table is not None:
                self._table.add_check(frame.name, check)
            else:
                output.write_line(output.check_object(frame.name, check, self._identity))
        if self._request.annotate is not None:
            from edge.annotate import draw_checks
            from edge.drawing_files import free_name, write_drawing

            write_drawing(free_name(self._request.annotate, frame.name, self._drawn), draw_checks(frame, checks))

    def _add_strip(self, frame: Frame, kind: Kind) -> None:
        timings_ms: dict[str, float] = {}
        reading = self._reader.read_strip(frame, kind, self._request.currency, timings_ms)
        if self._table is not None:
            self._table.add_strip(frame.name, kind, reading)
        else:
            output.write_line(output.strip_object(frame.name, frame.size, kind, reading, timings_ms, self._identity))
        if self._request.annotate is not None:
            from edge.annotate import draw_strip
            from edge.drawing_files import free_name, write_drawing

            write_drawing(free_name(self._request.annotate, frame.name, self._drawn), draw_strip(frame, kind, reading))


def classify_file(file: Path, labels: Path | None, as_json: bool, bundle: Path | None, runtime: str, threads: int) -> int:
    """Write what each digit of a file is, and with ``labels`` how many are right; always 0, errors are raised."""
    digits = load_digits(file)
    wanted = load_labels(labels, len(digits)) if labels else None
    n_right = 0
    reader = Reader(read_bundle(bundle), runtime, threads)
    for guess in reader.classify(digits):
        if wanted is not None:
            n_right += guess.label == str(wanted[guess.index])
        others = [{"label": label, "confidence": round(p, 6)} for label, p in guess.alternatives]
        if as_json:
            line = {"index": guess.index, "label": guess.label, "confidence": round(guess.confidence, 6), "alternatives": others}
            sys.stdout.write(json.dumps(line) + "\n")
        elif wanted is None:
            sys.stdout.write(f"{guess.index}\t{guess.label or 'not a digit'}\t{100 * guess.confidence:.1f} %\n")
    if wanted is not None:
        low, high = wilson_interval(n_right, len(digits))
        share = f"{100 * n_right / max(1, len(digits)):.2f} % (95 % interval {100 * low:.2f} to {100 * high:.2f} %)"
        print(f"{n_right} of {len(digits)} right: {share}", file=sys.stderr if as_json else sys.stdout)
    return 0
