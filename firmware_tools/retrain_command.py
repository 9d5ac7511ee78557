"""`checkreader-firmware retrain`."""

import json
import shlex
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from edge.errors import EdgeError, MissingDependencyError, UsageError
from edge.service.versions import version_key
from firmware_tools.compare_command import draw_chart, table
from firmware_tools.keys import PassphraseFile

_RELEASED = Path("train/released")
_CORRECTIONS_HELP = "A folder of `checkreader store export-training`, one for each device."
_DEPLOY_HELP = 'What follows `checkreader-firmware deploy` when the bundle is promoted, such as "--canary 1 pi@counter-1 pi@counter-2".'


def add_retrain(app: typer.Typer) -> None:
    """Add the command to the others."""

    @app.command()
    def retrain(
        corrections: Annotated[list[Path], typer.Argument(metavar="FOLDER...", help=_CORRECTIONS_HELP)],
        run: Annotated[Path, typer.Option("--run", metavar="DIR", help="Everything is kept here; what is done already is not done again.")],
        version: Annotated[str, typer.Option("--version", help="Of the new bundle, such as 0.4.1.")],
        key: Annotated[Path | None, typer.Option("--key", metavar="FILE", help="The private key that keygen made.")] = None,
        passphrase_file: PassphraseFile = None,
        deploy: Annotated[str, typer.Option("--deploy", metavar="WORDS", help=_DEPLOY_HELP)] = "",
        bundle: Annotated[Path | None, typer.Option("--bundle", metavar="FILE", help="What devices have; else the one that came.")] = None,
        released: Annotated[Path, typer.Option("--released", metavar="DIR", help="The float weights of that bundle.")] = _RELEASED,
        data: Annotated[Path | None, typer.Option("--data", help="The development sets; else TRAIN_DATA.")] = None,
        budget: Annotated[float | None, typer.Option("--budget", help="Wrong among the accepted, at most; 0.01 unless told.")] = None,
        epochs: Annotated[int, typer.Option("--epochs", min=1, help="Of each network.")] = 6,
        batches: Annotated[int, typer.Option("--batches", min=1, help="An epoch.")] = 150,
        rate: Annotated[float, typer.Option("--rate", min=1e-6, help="Highest learning rate.")] = 4e-4,
        seed: Annotated[int, typer.Option("--seed", min=0, help="Another one gives other weights, where the gate has refused these.")] = 1,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Learn from what people corrected: fit, quantize, prove, pack, compare, sign, and deploy, canaries first, or refuse.

        Four checks in ten only judge. Nothing overrules a refusal. Exit codes: 0 promoted, 65 refused, others as of the step that failed.
        """
        from importlib import resources
        from importlib.util import find_spec

        from edge.recognize.bundle import read_bundle
        from edge.service.labelled import hash_of, read_folders
        from firmware_tools.retrain import Order, Run, fit_networks, judge, make_bundle, networks_to_fit, refuse, run_deploy
        from firmware_tools.sign import sign

        if find_spec("tensorflow") is None:
            raise MissingDependencyError("retraining needs TensorFlow: make train")
        words = shlex.split(deploy)
        if words and key is None:
            raise UsageError("devices take signed bundles alone; name the private key with --key")
        complain = partial(typer.echo, err=True)
        facts: dict[str, Any] = {"version": version, "verdict": "refuse"}
        try:
            fields, old = read_folders(corrections), read_bundle(bundle)
            if version_key(version) <= version_key(old.version):
                raise UsageError(f"the version {version} is not after {old.version}, which devices have; name a later one with --version")
            networks = networks_to_fit(fields)
            order = Order(
                version=version, base_sha256=old.sha256, released=str(released), corrections_sha256=hash_of(fields),
                epochs=epochs, batches=batches, rate=rate, seed=seed,
            )  # fmt: skip
            steps = Run(run, order, complain)
            sets = ["--data", str(data)] if data else []
            old_file = bundle or Path(str(resources.files("edge") / "bundles" / "checkreader.bundle"))
            fit_networks(steps, networks, order, corrections, old_file, sets)
            packed = make_bundle(steps, version, old_file, sets)
            comparison, reason = judge(old, packed, fields, budget)
            draw_chart(comparison, run / "risk_coverage.png")
            facts |= {"bundle": str(packed), "seconds": steps.done, "comparison": comparison.facts()}
            complain(table(comparison))
            if reason is not None:
                raise refuse(reason)
            if key is not None:
                steps.step("sign", lambda: sign([packed], key, passphrase_file))
            facts |= {"verdict": "promote", "cause": comparison.words()}
            code = run_deploy(packed, words) if words else 0
        except EdgeError as error:
            facts["cause"] = str(error)
            if as_json:
                typer.echo(json.dumps(facts))
            raise
        typer.echo(json.dumps(facts) if as_json else f"{facts['cause']}\n{packed}")
        raise typer.Exit(code)
