"""The networks: which interpreter runs them, how fast, and whether they answer as where they were built."""

from collections import defaultdict
from collections.abc import Iterator
from importlib import metadata
from statistics import median

from edge.config import Config
from edge.doctor.line import Line
from edge.errors import EdgeError
from edge.golden import Answer, answer_cases, verdict_of
from edge.recognize.bundle import Bundle
from edge.recognize.interpreter import choose_runtime

_PACKAGES = {"litert": "ai-edge-litert", "tflite": "tflite-runtime"}
# A check has four fields, each read once or twice: with this a reading still takes a fraction of a second.
_SLOW_MS = 40.0


def look_at_networks(config: Config, bundle: Bundle) -> Iterator[Line]:
    """Yield which runtime there is, how long a strip takes, and how the golden set went."""
    reading = config.reading
    try:
        runtime = choose_runtime(reading.runtime)
        version = metadata.version(_PACKAGES[runtime]) if runtime in _PACKAGES else "of this reader"
        if runtime == "reference":
            advice = "pip install ai-edge-litert; or go on, a check takes some seconds"
            yield Line("interpreter", "warn", "only our own reference in NumPy is there, which is slow", advice)
        else:
            yield Line("interpreter", "ok", f"{_PACKAGES[runtime]} {version}, {reading.threads} thread(s)")
        answer_cases(bundle, runtime, reading.threads)  # the first time pays for what is only done once
        answers = answer_cases(bundle, runtime, reading.threads)
    except (EdgeError, metadata.PackageNotFoundError) as error:
        yield Line("interpreter", "fail", str(error), 'see what is said; reading.runtime = "auto" takes what is installed')
        return
    strip_ms = median(answer.ms for answer in answers if answer.network == "strip")
    slow = "a faster runtime or board; look at temperature and throttling below" if strip_ms > _SLOW_MS else ""
    yield Line("speed", "warn" if slow else "ok", f"the strip network takes {strip_ms:.2f} ms (median, {runtime})", slow)
    yield _parity(bundle, answers)


def _parity(bundle: Bundle, answers: list[Answer]) -> Line:
    other: dict[str, int] = defaultdict(int)
    n_differing = n_codes = 0
    for answer in answers:
        verdict = verdict_of(answer, len(bundle.card.networks[answer.network].symbols))
        n_differing, n_codes = n_differing + verdict.n_differing, n_codes + verdict.n_codes
        other[answer.network] += not verdict.is_same_answer
    wrong = sorted(network for network, n in other.items() if n)
    said = f"{n_differing} of {n_codes} codes differ from where the bundle was built"
    if wrong:
        advice = "use another runtime or bundle; checkreader doctor --parity says more"
        return Line("parity", "fail", f"{', '.join(wrong)} gives other answers; {said}", advice)
    return Line("parity", "ok", f"{said}; the answers of {len(answers)} cases are the same")
