"""Reading picture after picture: an answer for each, whatever lies in between, and nothing half-written."""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edge.bench import make_strips
from edge.recognize.bundle import read_bundle

MOST_MEMORY_BYTES = 150e6


def test_each_strip_gets_one_line_of_the_contract(checkreader: Any, strips: Path) -> None:
    done = checkreader("read", "--strip", "digits", "--json", strips)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    rows = checkreader.lines(done)
    assert [Path(row["file"]).name for row in rows] == [f"{index:02}.png" for index in range(20)]
    bundle = read_bundle()
    for row in rows:
        assert set(row) == {"file", "check_index", "frame_size", "quality", "reading", "timings_ms", "bundle"}
        assert row["bundle"] == {"version": bundle.version, "sha256": bundle.sha256}
        assert row["timings_ms"]["total"] > 0
        assert row["reading"]["verdict"] in {"accepted", "unsure", "unreadable"}
        assert 0 <= row["reading"]["confidence"] <= 1
        width, height = row["frame_size"]
        for symbol in row["reading"]["symbols"]:
            x, y, w, h = symbol["box"]
            assert 0 <= x <= x + w <= width + 0.01
            assert 0 <= y <= y + h <= height + 0.01


@pytest.mark.parametrize(
    ("kind", "keys"),
    [("amount", {"minor_units", "currency"}), ("date", {"iso"}), ("micr", {"routing", "account", "check_number", "amount", "checksum_ok"})],
)
def test_each_kind_has_its_own_keys(checkreader: Any, strips: Path, kind: str, keys: set[str]) -> None:
    done = checkreader("read", "--strip", kind, "--json", strips / "00.png")
    assert done.returncode == 0, done.stderr
    common = {"text", "verdict", "confidence", "reason", "box", "symbols", "alternatives"}
    assert set(checkreader.lines(done)[0]["reading"]) == common | keys


def test_the_table_names_each_strip(checkreader: Any, strips: Path) -> None:
    done = checkreader("read", "--strip", "digits", strips)
    assert done.returncode == 0, done.stderr
    for word in ("picture", "verdict", *(f"{index:02}.png" for index in range(20))):
        assert word in done.stdout


def test_bad_files_are_named_and_the_others_still_read(checkreader: Any, strips: Path, tmp_path: Path) -> None:
    whole = (strips / "00.png").read_bytes()
    (tmp_path / "a_empty.png").write_bytes(b"")
    (tmp_path / "b_cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "c_text.jpg").write_text("hello")
    (tmp_path / "d_whole.png").write_bytes(whole)
    done = checkreader("read", "--strip", "digits", "--json", tmp_path, tmp_path / "missing.png", strips / "01.png")
    assert done.returncode == 65
    assert [Path(row["file"]).name for row in checkreader.lines(done)] == ["d_whole.png", "01.png"]
    for name, words in (("a_empty", "empty"), ("b_cut", "cut short"), ("c_text", "not a picture"), ("missing", "no such file")):
        line = next(line for line in done.stderr.splitlines() if name in line)
        assert words in line
    assert "Traceback" not in done.stderr


def test_what_c_libraries_have_to_say_does_not_reach_the_user(checkreader: Any, tmp_path: Path) -> None:
    digits = Image.fromarray(make_strips()[0].pixels)
    digits.save(tmp_path / "lzw.tif", compression="tiff_lzw")
    data = bytearray((tmp_path / "lzw.tif").read_bytes())
    data[1000:1010] = b"\xff" * 10
    (tmp_path / "lzw.tif").write_bytes(data)
    done = checkreader("read", "--strip", "digits", tmp_path)
    assert done.returncode == 65
    assert [line.startswith("checkreader: ") for line in done.stderr.splitlines()] == [True]


def test_odd_pictures_are_results(checkreader: Any, strips: Path, tmp_path: Path) -> None:
    digits = Image.open(strips / "00.png").convert("RGB")
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    Image.new("RGB", (20000, 40), "white").save(tmp_path / "wide.png")
    Image.new("RGB", (40, 3000), "white").save(tmp_path / "high.png")
    digits.convert("CMYK").save(tmp_path / "cmyk.jpg")
    Image.fromarray(np.asarray(digits.convert("L")).astype(np.uint16) * 257).save(tmp_path / "deep.png")
    alpha = digits.convert("RGBA")
    alpha.putalpha(digits.convert("L").point(lambda level: 255 - level))
    alpha.save(tmp_path / "alpha.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    digits.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    done = checkreader("read", "--strip", "digits", "--json", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    rows = {Path(row["file"]).stem: row for row in checkreader.lines(done)}
    assert len(rows) == 7
    for name in ("dot", "wide", "high"):
        assert rows[name]["reading"]["verdict"] == "unreadable", name
        assert rows[name]["reading"]["text"] is None
        assert rows[name]["reading"]["reason"]
    assert "wide" in rows["wide"]["reading"]["reason"]
    straight = checkreader.rows("read", "--strip", "digits", "--json", strips / "00.png")[0]
    assert rows["turned"]["frame_size"] == straight["frame_size"]
    assert rows["turned"]["reading"] == straight["reading"]
    assert rows["deep"]["reading"]["text"] == straight["reading"]["text"]


def test_a_name_that_is_not_utf8_survives(checkreader: Any, strips: Path, tmp_path: Path) -> None:
    path = os.path.join(os.fsencode(tmp_path), b"caf\xe9.png")  # noqa: PTH118 (bytes)
    Path(os.fsdecode(path)).write_bytes((strips / "00.png").read_bytes())
    found = checkreader.rows("read", "--strip", "digits", "--json", tmp_path)
    assert os.fsencode(found[0]["file"]) == path
    table = checkreader("read", "--strip", "digits", path, "--annotate", tmp_path / "drawn")
    assert table.returncode == 0, table.stderr
    assert r"caf\xe9.png" in table.stdout
    assert [os.fsencode(p.name) for p in (tmp_path / "drawn").iterdir()] == [b"caf\xe9-read.jpg"]


def test_a_folder_without_pictures_is_65(checkreader: Any, tmp_path: Path) -> None:
    done = checkreader("read", tmp_path)
    assert done.returncode == 65
    assert ".jpg" in done.stderr


def test_an_unwritable_folder_for_drawings_is_74_before_anything_is_read(checkreader: Any, strips: Path) -> None:
    done = checkreader("read", "--strip", "digits", "--json", strips, "--annotate", "/proc/drawn")
    assert done.returncode == 74
    assert "/proc/drawn" in done.stderr
    assert done.stdout == ""


def test_output_that_cannot_be_written_is_74(checkreader: Any, strips: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [*checkreader.words, "read", "--strip", "digits", "--json", strips]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=checkreader.environment)
    assert done.returncode == 74
    assert "Traceback" not in done.stderr


def test_head_ends_it_quietly(checkreader: Any, strips: Path) -> None:
    script = f'"{sys.executable}" -m edge read --strip digits --json "$1" "$1" "$1" | head -n 1'
    done = subprocess.run(["bash", "-c", script, "bash", strips], capture_output=True, text=True, env=checkreader.environment)
    assert len(checkreader.lines(done)) == 1
    assert done.stderr == ""


@pytest.fixture
def started(checkreader: Any, strips: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    many = [strips] * 200
    command = [*checkreader.words, "read", "--strip", "digits", "--json", "--annotate", tmp_path / "drawn", *many]
    pipe = subprocess.PIPE
    # A job in a shell's background ignores Ctrl-C, and its children inherit that; what is handled here starts afresh in a child.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=checkreader.environment) as process:
        yield process
        process.kill()
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_ends_it_with_130_and_nothing_half_written(started: subprocess.Popen[str], tmp_path: Path) -> None:
    assert started.stdout is not None
    first = started.stdout.readline()
    time.sleep(0.3)
    started.send_signal(signal.SIGINT)
    rest, complaint = started.communicate(timeout=30)
    assert started.returncode == 130
    assert complaint == ""
    answers = [json.loads(line) for line in (first + rest).splitlines()]
    assert 0 < len(answers) < 4000
    drawn = list((tmp_path / "drawn").iterdir())
    assert drawn
    # A picture named again in the same call gets a number; a temporary name would begin with a dot.
    assert [p.name for p in drawn if not re.fullmatch(r"\w+-read(-\d+)?\.jpg", p.name)] == []
    for path in drawn:
        Image.open(path).load()  # whole


def test_reading_takes_little_memory(checkreader: Any, strips: Path) -> None:
    script = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
    script += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)"
    command = [sys.executable, "-c", script, *checkreader.words, "read", "--strip", "amount", strips]
    done = subprocess.run(command, capture_output=True, text=True, env=checkreader.environment)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < MOST_MEMORY_BYTES


def test_a_picture_without_a_check_is_one_line_with_a_null_page(checkreader: Any, tmp_path: Path) -> None:
    Image.new("RGB", (640, 480), (90, 110, 130)).save(tmp_path / "desk.jpg")
    done = checkreader("read", "--json", tmp_path, "--annotate", tmp_path / "drawn")
    assert done.returncode == 0, done.stderr
    (row,) = checkreader.lines(done)
    assert row["page"] is None
    assert row["fields"] == {"amount": None, "date": None, "check_number": None, "micr": None}
    assert row["check_index"] == 0
    assert set(row["timings_ms"]) == {"page", "fields", "strips", "network", "decode", "total"}
    assert set(row["quality"]) == {"verdict", "problems", "advice"}
    assert [p.name for p in (tmp_path / "drawn").iterdir()] == ["desk-read.jpg"]


def test_a_camera_without_a_check_answers_with_its_best_frame(checkreader: Any, tmp_path: Path) -> None:
    for name in ("1.jpg", "2.jpg"):
        Image.new("RGB", (640, 480), (90, 110, 130)).save(tmp_path / name)
    done = checkreader("read", "--json", "--camera", f"replay:{tmp_path}")
    assert done.returncode == 0, done.stderr
    assert [row["page"] for row in checkreader.lines(done)] == [None]


def test_a_camera_that_is_not_there_is_69(checkreader: Any, tmp_path: Path) -> None:
    done = checkreader("read", "--camera", "webcam:987")
    assert done.returncode == 69
    assert "/dev/video987" in done.stderr
    assert checkreader("read", "--camera", f"replay:{tmp_path}").returncode == 65


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    import cv2

    pictures = np.full((40, 36, 28), 230, np.uint8)
    for index, picture in enumerate(pictures[:30]):
        cv2.putText(picture, str(index % 10), (4, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 30, 2, cv2.LINE_AA)
    np.save(tmp_path / "digits.npy", pictures)
    np.save(tmp_path / "light_on_dark.npy", 255 - pictures)
    labels = (np.arange(40) % 10).astype(np.uint8)
    (tmp_path / "labels.gz").write_bytes(gzip.compress(b"\0\0\x08\x01\0\0\0\x28" + labels.tobytes()))
    return tmp_path


def test_each_digit_gets_one_line_in_either_polarity(checkreader: Any, digits: Path) -> None:
    for name in ("digits.npy", "light_on_dark.npy"):
        done = checkreader("classify", digits / name, "--json")
        assert done.returncode == 0, done.stderr
        rows = checkreader.lines(done)
        assert [row["index"] for row in rows] == list(range(40))
        assert all(set(row) == {"index", "label", "confidence", "alternatives"} for row in rows)
        assert [row["label"] for row in rows[30:]] == [None] * 10  # empty paper is not a digit
        assert sum(row["label"] == str(index % 10) for index, row in enumerate(rows[:30])) >= 27


def test_labels_give_the_accuracy_with_its_interval(checkreader: Any, digits: Path) -> None:
    done = checkreader("classify", digits / "digits.npy", "--labels", digits / "labels.gz")
    assert done.returncode == 0, done.stderr
    assert "of 40 right" in done.stdout
    assert "95 % interval" in done.stdout


def test_a_file_without_digits_is_65(checkreader: Any, digits: Path) -> None:
    (digits / "text").write_text("hello")
    assert checkreader("classify", digits / "text").returncode == 65
    assert checkreader("classify", digits / "missing.npy").returncode == 65
    assert checkreader("classify", digits / "digits.npy", "--labels", digits / "digits.npy").returncode == 65


def test_frames_of_one_check_are_read_together_and_a_broken_one_is_named(checkreader: Any, tmp_path: Path) -> None:
    sample = Path("samples/frames")
    first = sample / "desk_1.jpg"
    (tmp_path / "0-broken.jpg").write_bytes(first.read_bytes()[:200])
    for index in range(1, 4):
        (tmp_path / f"{index}.jpg").write_bytes(first.read_bytes())
    done = checkreader("read", "--json", "--burst", tmp_path)
    assert done.returncode == 65
    assert "0-broken.jpg" in done.stderr
    (row,) = checkreader.lines(done)
    assert 1 <= row["n_frames"] <= 3
    assert row["fields"]["amount"]["text"]
