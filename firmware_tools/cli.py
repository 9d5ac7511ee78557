"""The `checkreader-firmware` command: what it is told goes to the command of that name, and how that ended is its exit code."""

import sys
from typing import NoReturn

from edge.errors import EdgeError
from edge.quiet import quiet_libraries

_USAGE, _OUTPUT, _INTERRUPTED = 64, 74, 130


def main() -> NoReturn:
    try:
        with quiet_libraries():
            _run(sys.argv[1:])
    except EdgeError as error:
        print(f"checkreader-firmware: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        print(f"checkreader-firmware: input or output failed: {error}", file=sys.stderr)
        sys.exit(_OUTPUT)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except SystemExit as done:  # Typer leaves with 2 when the usage is wrong
        sys.exit(_USAGE if done.code == 2 else done.code)
    sys.exit(0)


def _run(words: list[str]) -> None:
    if words[:1] == ["receive"]:
        # What a deploy calls on each device: to load the commands for people (Typer, pydantic) takes about as long as all else it does.
        from firmware_tools.receive import receive

        receive(words[1:])
    else:
        from firmware_tools.commands import app

        app()
