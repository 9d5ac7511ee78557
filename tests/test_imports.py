"""The arrows of the data flow do not cross: who may import whom, read from the sources themselves."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("edge", "train", "firmware_tools")
STAGES = ("capture", "locate", "recognize", "decode")
TRAINERS = {"tensorflow", "keras", "jax", "torch", "ai_edge_quantizer"}
RUNTIMES = {"ai_edge_litert", "tflite_runtime"}
# One vendor, one place: which part alone may import it.
VENDORS = {
    **dict.fromkeys(RUNTIMES, "edge.recognize.interpreter"),
    **dict.fromkeys(("picamera2", "libcamera"), "edge.capture.picam"),
    "paho": "edge.service.mqtt",
    "prometheus_client": "edge.service.metrics",
    **dict.fromkeys(("fastapi", "starlette", "uvicorn", "jinja2", "pydantic", "cryptography"), "edge.service"),
}
THIRD_PARTY_OF_EDGE = {"numpy", "cv2", "PIL", "typer", "rich"}  # [project.dependencies], by the names they are imported by
LOADED_ON_USE = {"cv2", "rich", "PIL", "sqlite3", "asyncio", *VENDORS}

# Of this project, what a part may import beside itself; the longest name that fits a module counts.
MAY_IMPORT = {
    "edge": ("edge",),
    **{f"edge.{stage}": ("edge.datatypes", "edge.errors") for stage in STAGES},
    "edge.capture": ("edge.config", "edge.datatypes", "edge.errors"),
    "edge.config": ("edge.errors",),
    "edge.datatypes": (),
    "edge.errors": (),
    "train": ("train", "edge"),
    "firmware_tools": ("firmware_tools", "edge"),
}


def is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(path: Path, root: Path) -> Iterator[str]:
    """Yield every name that a file imports, wherever in it the import stands; ``from a import b`` is ``a.b``."""
    package = module_name(path, root).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            yield from (".".join([*base, *filter(None, [node.module]), alias.name]) for alias in node.names)


def crossings(root: Path) -> list[str]:
    """Return one sentence for each import under ``root`` that the table does not allow."""
    found = []
    for path in sorted(file for package in PACKAGES for file in (root / package).rglob("*.py")):
        module = module_name(path, root)
        part = max((p for p in MAY_IMPORT if is_within(module, p)), key=len)
        for name in imported_modules(path, root):
            top = name.partition(".")[0]
            if top in PACKAGES:
                allowed = any(is_within(name, other) for other in (part, *MAY_IMPORT[part]))
            elif top in VENDORS and is_within(module, "edge"):
                allowed = is_within(module, VENDORS[top])
            elif top in RUNTIMES:
                allowed = False
            elif top in TRAINERS:
                allowed = is_within(module, "train")
            elif is_within(module, "edge"):
                allowed = top in sys.stdlib_module_names or top in THIRD_PARTY_OF_EDGE
            else:
                allowed = True
            if not allowed:
                found.append(f"{module} imports {name}")
    return found


def write_tree(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_no_import_crosses_the_arrows() -> None:
    assert crossings(ROOT) == []


@pytest.mark.parametrize(
    ("file", "line", "crossing"),
    [
        ("edge/locate/strip.py", "from edge.decode import lattice", "edge.locate.strip imports edge.decode.lattice"),
        ("edge/locate/strip.py", "from ..decode.lattice import fold", "edge.locate.strip imports edge.decode.lattice.fold"),
        ("edge/decode/amount.py", "import edge.pipeline", "edge.decode.amount imports edge.pipeline"),
        ("edge/datatypes.py", "from edge import errors", "edge.datatypes imports edge.errors"),
        ("edge/pipeline.py", "import train.networks", "edge.pipeline imports train.networks"),
        ("edge/pipeline.py", "import tensorflow as tf", "edge.pipeline imports tensorflow"),
        ("edge/pipeline.py", "import requests", "edge.pipeline imports requests"),
        ("edge/recognize/network.py", "import ai_edge_litert as litert", "edge.recognize.network imports ai_edge_litert"),
        ("edge/capture/webcam.py", "import picamera2", "edge.capture.webcam imports picamera2"),
        ("edge/service/web.py", "import paho.mqtt.client", "edge.service.web imports paho.mqtt.client"),
        ("edge/reading.py", "import fastapi", "edge.reading imports fastapi"),
        ("train/parity.py", "import tflite_runtime.interpreter", "train.parity imports tflite_runtime.interpreter"),
        ("train/fit.py", "from firmware_tools import pack", "train.fit imports firmware_tools.pack"),
        ("firmware_tools/pack.py", "import train.data", "firmware_tools.pack imports train.data"),
    ],
)
def test_a_crossing_import_is_named_even_inside_a_function(tmp_path: Path, file: str, line: str, crossing: str) -> None:
    write_tree(tmp_path, {file: f"def on_use():\n    {line}\n"})
    assert crossings(tmp_path) == [crossing]


def test_imports_along_the_arrows_are_allowed(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "edge/locate/strip.py": "import cv2\nfrom edge.datatypes import Strip\nfrom . import digit\n",
            "edge/pipeline.py": "from edge.locate import strip\nfrom edge.decode import amount\n",
            "edge/recognize/interpreter.py": "import tflite_runtime.interpreter\n",
            "train/fit.py": "import keras\nfrom edge.recognize import tensor\n",
        },
    )
    assert crossings(tmp_path) == []


@pytest.mark.parametrize("module", ["edge", "edge.cli"])
def test_heavy_parts_are_loaded_on_use_only(module: str) -> None:
    command = f"import sys, {module}; print(*sorted({LOADED_ON_USE | TRAINERS!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
