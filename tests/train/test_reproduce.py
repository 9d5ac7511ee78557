"""A bundle is rebuilt byte for byte; one changed bit is found, named, and judged by whether it matters."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.recognize.bundle import Bundle, read_bundle
from edge.recognize.tflite_file import read_graph
from train.fit import hashes_of_weights, save_weights
from train.quantization_cli import RELEASED
from train.reproduce import EXIT_CODES, rebuild

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def digit_bundle() -> Bundle:
    """The released bundle with its smallest network alone: what is said of one holds for each."""
    whole = read_bundle()
    raw = {**whole.card.raw, "runs": {"digit": dict(whole.card.raw["runs"]["digit"])}}
    card = replace(whole.card, networks={"digit": whole.card.networks["digit"]}, raw=raw)
    return replace(whole, card=card, models={"digit": whole.models["digit"]})


def with_changed_weight(model: bytes, operator: int, bit: int) -> bytes:
    graph = read_graph(model)
    weights = graph.tensors[graph.operators[operator].inputs[1]].values
    assert weights is not None
    changed = bytearray(model)
    changed[model.index(weights.tobytes()) + 5] ^= bit
    return bytes(changed)


def test_the_released_network_comes_out_with_the_same_answers(digit_bundle: Bundle) -> None:
    """Byte for byte is what `make reproduce` shows; on another processor the measured ranges may differ in their last bits."""
    (rebuilt,) = rebuild(digit_bundle, RELEASED)
    assert EXIT_CODES[rebuilt.same] in (0, 2)
    assert not [line for line in rebuilt.differences if "values differ" in line]


def test_one_bit_of_one_packed_weight_is_found_with_its_layer_and_both_values(digit_bundle: Bundle) -> None:
    changed = replace(digit_bundle, models={"digit": with_changed_weight(digit_bundle.models["digit"], 2, 1)})
    (rebuilt,) = rebuild(changed, RELEASED)
    assert EXIT_CODES[rebuilt.same] in (1, 2)
    (found,) = [line for line in rebuilt.differences if "values differ" in line]
    assert "weights of operator 2 (CONV_2D, layer conv2d_" in found
    assert "1 of 9216 values differ, first at [0, 0, 0, 5]" in found
    assert "columns or cells of the golden set have another answer" in rebuilt.differences[-1]


def test_one_bit_of_one_float_weight_is_found_even_where_the_int8_file_stays_the_same(digit_bundle: Bundle, tmp_path: Path) -> None:
    recorded = {**digit_bundle.card.raw["runs"]["digit"], "weights_sha256": hashes_of_weights(RELEASED / "digit" / "weights.npz")}
    known = replace(digit_bundle, card=replace(digit_bundle.card, raw={**digit_bundle.card.raw, "runs": {"digit": recorded}}))
    shutil.copytree(RELEASED / "digit", tmp_path / "digit")
    with np.load(RELEASED / "digit" / "weights.npz") as stored:
        arrays = [stored[f"w{i}"] for i in range(len(stored.files))]
    arrays[5].view(np.uint32).flat[3] ^= 1
    save_weights(tmp_path / "digit" / "weights.npz", arrays)
    (rebuilt,) = rebuild(known, tmp_path)
    assert "(array w5) are not those on the card" in rebuilt.differences[0]
    assert EXIT_CODES[rebuilt.same] == 2


def test_a_bundle_calibrated_from_a_folder_asks_for_it(digit_bundle: Bundle) -> None:
    raw = {**digit_bundle.card.raw, "calibration": {"digit": {"folder": "our strips", "n": 3}}}
    foreign = replace(digit_bundle, card=replace(digit_bundle.card, raw=raw))
    with pytest.raises(ValueError, match=r"'our strips': name it with --calibrate"):
        list(rebuild(foreign, RELEASED))


CONVERT = """
import hashlib, sys
from pathlib import Path
from train.calibration import calibration_pictures
from train.quantize import quantize_run
sys.stdout.write(hashlib.sha256(quantize_run(Path(sys.argv[1]), calibration_pictures("digit", 60))[1]).hexdigest())
"""


def test_two_processes_convert_to_the_same_bytes() -> None:
    command = [sys.executable, "-W", "ignore", "-c", CONVERT, str(RELEASED / "digit")]
    running = [subprocess.Popen(command, cwd=RELEASED.parent.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate(timeout=300) for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    assert len(said[0][0]) == 64
    assert said[0][0] == said[1][0]
