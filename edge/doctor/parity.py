"""What is wrong on this device, and how to mend it."""

import json
import sys
from collections import defaultdict
from pathlib import Path

from edge.golden import Verdict, run_cases
from edge.recognize.bundle import read_bundle
from edge.recognize.interpreter import choose_runtime


def check_parity(bundle_file: Path | None, runtime: str, threads: int, as_json: bool) -> int:
    """Run the bundle's golden set and say for each network whether it answers as where it was built; return 0 if all do, else 1."""
    bundle = read_bundle(bundle_file)
    by_network: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in run_cases(bundle, runtime, threads):
        by_network[verdict.network].append(verdict)
    is_fine = True
    for network, verdicts in by_network.items():
        n_differing, n_codes = sum(v.n_differing for v in verdicts), sum(v.n_codes for v in verdicts)
        n_other = sum(not v.is_same_answer for v in verdicts)
        is_fine = is_fine and not n_other
        line = {
            "network": network,
            "runtime": choose_runtime(runtime),
            "cases": len(verdicts),
            "codes": n_codes,
            "differing": n_differing,
            "most": max(v.most for v in verdicts),
            "other_answers": n_other,
        }
        sys.stdout.write(json.dumps(line) + "\n" if as_json else _said(line))
    return 0 if is_fine else 1


def _said(line: dict[str, object]) -> str:
    if not line["differing"]:
        return f"ok    {line['network']}: identical on {line['cases']} cases ({line['codes']} codes, {line['runtime']})\n"
    level = "fail" if line["other_answers"] else "ok  "
    end = f"{line['other_answers']} other answers: use another runtime or bundle" if line["other_answers"] else "the same answers"
    differing = f"{line['differing']} of {line['codes']} codes differ, by at most {line['most']}"
    return f"{level}  {line['network']}: {differing} ({line['runtime']}); {end}\n"
