# `make` alone lists the targets.

VENV       ?= .venv
BENCH_VENV ?= .venv-bench
# Where the comparison finds its strips; each a picture of one number.
STRIPS     ?= samples/strips
# The day on which the sample checks were new: dates are judged from it.
TODAY      := 2026-11-25
FUZZ_CASES ?= 5000
# What of edge/ is run again on Raspberry Pi OS's Python, numpy and interpreter.
DEVICE_TESTS ?= $(addprefix tests/edge/,capture decode recognize service test_pipeline.py test_golden.py)
CORRUPTIONS ?= 10000
SOAK_ROUNDS ?= 60
BIN        := $(VENV)/bin

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help read run train check lint types test fuzz corruptions power-cuts reproduce test-reference test-arm64 test-device test-fleet test-retrain test-deb test-boot test-deb-arm64 deb report ablation bench samples docs shift screenshots test-durability load soak install-service lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

read: $(VENV)/.read ## set up the reader (no TensorFlow) and read the sample frames; pictures go to build/annotated
	@$(BIN)/checkreader read samples/frames --today $(TODAY) --annotate build/annotated

run: $(VENV)/.serve ## the daemon on a replay of the sample frames, to be tried without a camera: http://localhost:8642
	@$(BIN)/checkreader serve --camera replay:samples/frames --store build/store $(ARGS)

train: $(VENV)/.train ## set up TensorFlow beside the reader, for checkreader-train
	@$(BIN)/checkreader-train --help

check: lint types test ## everything that has to pass: ruff, mypy, pytest

lint: $(VENV)/.test ## ruff
	@$(BIN)/ruff check .

types: $(VENV)/.test ## mypy, strict on edge/ and firmware_tools/
	@$(BIN)/mypy

test: $(VENV)/.test ## set up all that the tests need and run them; ARGS="-k amount" goes to pytest
	@$(BIN)/python -m pytest $(ARGS)

fuzz: $(VENV)/.test ## read FUZZ_CASES=5000 spoilt pictures; what went wrong is left in build/fuzz
	@FUZZ_CASES=$(FUZZ_CASES) FUZZ_FOLDER=build/fuzz $(BIN)/python -m pytest tests/end_to_end/test_fuzz.py

corruptions: $(VENV)/.test ## spoil a signed bundle in CORRUPTIONS=10000 ways; each has to be refused
	@CORRUPTIONS=$(CORRUPTIONS) $(BIN)/python -m pytest tests/firmware_tools/test_sign.py -k corruption -s

power-cuts: $(VENV)/.test ## kill an update at every system call that writes (needs strace); the reader has to start each time
	@POWER_CUTS=1 $(BIN)/python -m pytest tests/firmware_tools/test_power_cut.py -s

reproduce: $(VENV)/.train ## rebuild the released models from their float weights and compare them byte for byte
	@$(BIN)/checkreader-train reproduce

test-reference: $(VENV)/.test ## compare our integer reference with the reference kernels on 10,000 strips a network, 200 pages
	@REFERENCE_INPUTS=10000 $(BIN)/python -m pytest tests/edge/recognize/test_reference.py

test-arm64: $(VENV)/.test ## run golden set and samples on 64-bit ARM, emulated, and compare with this machine; skipped where qemu is missing
	@tests/device/arm64 build && TEST_ARM64=1 $(BIN)/python -m pytest tests/device/test_arm64.py $(ARGS) || [ $$? = 69 ]

test-device: ## the Pi's camera module through picamera2 on a virtual camera, and edge/ on Raspberry Pi OS's Python; skipped without root
	@{ tests/device/picamera build && tests/device/picamera run python3 -m pytest -p no:cacheprovider \
		tests/device/test_picam.py $(DEVICE_TESTS) $(ARGS); } || [ $$? = 69 ]

test-fleet: $(VENV)/.test ## deploy to twenty sshds on loopback, break connections; skipped where sshd is missing
	@TEST_FLEET=1 $(BIN)/python -m pytest tests/firmware_tools/test_deploy.py $(ARGS)

test-retrain: $(VENV)/.test ## retrain on two devices' corrections, small, and deploy what is better to a canary first; needs TRAIN_DATA, sshd, a quarter of an hour
	@TEST_RETRAIN=1 $(BIN)/python -m pytest tests/firmware_tools/test_retrain.py tests/firmware_tools/test_retrain_fleet.py $(ARGS)

test-deb: $(VENV)/.test ## install, upgrade, downgrade and purge the package in a bare Debian (root); skipped where debootstrap is missing
	@{ tests/device/debian build bookworm && tests/device/debian build trixie && \
		TEST_DEB=1 $(BIN)/python -m pytest tests/firmware_tools/test_deb.py $(ARGS); } || [ $$? = 69 ]

test-boot: $(VENV)/.test ## start a card, daemon, timer, deploy and purge under systemd (root); skipped where debootstrap is missing
	@{ tests/device/debian build bookworm && tests/device/debian build trixie && \
		TEST_BOOT=1 $(BIN)/python -m pytest tests/device/test_boot.py $(ARGS); } || [ $$? = 69 ]

test-deb-arm64: $(VENV)/.test ## run the package's own parts for a Pi on 64-bit ARM, emulated; skipped where qemu is missing
	@tests/device/arm64 build && TEST_ARM64=1 $(BIN)/python -m pytest tests/device/test_deb_arm64.py $(ARGS) || [ $$? = 69 ]

deb: $(VENV)/.read ## make the Debian package for a Pi in dist/; ARGS="--suite bookworm"
	@$(BIN)/checkreader-firmware deb $(ARGS)

report: $(VENV)/.train ## write build/report.html: all that can be measured of the bundle, on one page
	@$(BIN)/checkreader-train report --out build/report.html $(ARGS)

ablation: $(VENV)/.train ## measure every recipe and precision of the networks; tables go to build/precision (docs/precision.md)
	@$(BIN)/python bench/precision.py --out build/precision $(ARGS)

bench: $(BENCH_VENV)/.bench ## time our reader against PP-OCR's mobile recognizer on STRIPS=folder
	@$(BENCH_VENV)/bin/python bench/compare_rapidocr.py --data $(STRIPS) $(ARGS)

samples: $(VENV)/.train ## draw the sample pictures again, and the picture of a reading in docs/
	@rm -rf samples/frames samples/strips samples/labels.jsonl build/samples
	@$(BIN)/checkreader-train generate samples --what samples
	@$(BIN)/checkreader read samples/frames/desk_1.jpg --today $(TODAY) --annotate build/samples
	@cp build/samples/desk_1-read.jpg docs/reading.jpg

docs: $(VENV)/.train ## measure the tables of docs/stages.md and docs/fusion.md again (needs TRAIN_DATA)
	@$(BIN)/checkreader-train stages --docs docs/stages.md --failures build/failures
	@$(BIN)/checkreader-train quality --docs docs/stages.md
	@$(BIN)/checkreader-train bursts --docs docs/fusion.md

shift: $(VENV)/.train ## measure the table of docs/audit.md again: other pens and another camera, the audit, calibration (some minutes)
	@PYTHONPATH=. $(BIN)/python bench/shifted_stream.py $(ARGS)

screenshots: $(VENV)/.test ## pictures of the page in build/screenshots, as people see it (needs Chromium); the README's in docs/
	@PYTHONPATH=. $(BIN)/python tests/end_to_end/screenshots.py build/screenshots --readme docs

test-durability: $(VENV)/.test ## 10,000 simulated checks, 1,000 power cuts and 200 kills: every reading stored exactly once
	@CHECKS=10000 POWER_CUTS=1000 KILLS=200 $(BIN)/python -m pytest tests/end_to_end/test_counter.py tests/end_to_end/test_durability.py $(ARGS)

load: $(VENV)/.test ## ask a running daemon with 100,000 records for its list, 200 times a second; ARGS="--seconds 60"
	@PYTHONPATH=. $(BIN)/python bench/api_load.py $(ARGS)

soak: $(VENV)/.test ## the daemon for SOAK_ROUNDS=60 times 23 s with faults, then latency, idle load, memory; ARGS="--frames 100000"
	@mkdir -p build
	@SOAK_ROUNDS=$(SOAK_ROUNDS) SOAK_TABLE=build/soak.md $(BIN)/python -m pytest tests/end_to_end/test_soak.py
	@PYTHONPATH=. $(BIN)/python bench/soak.py $(ARGS) | tee -a build/soak.md

install-service: ## install into /opt/checkreader and run under systemd as a user of its own (sudo)
	packaging/install-service

lock: ## resolve the lock files again (needs uv; ARGS=--upgrade takes newer versions)
	requirements/lock $(ARGS)

clean: ## remove the environments, build/ and the caches
	rm -rf $(VENV) $(BENCH_VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find edge train firmware_tools tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp for each lock file: an environment is set up again when its lock, or the project's own metadata, is newer.
$(VENV)/.read $(VENV)/.train $(VENV)/.serve $(VENV)/.test: $(VENV)/.%: requirements/%.txt requirements/install pyproject.toml
	@requirements/install $(VENV) $<
	@touch $@

$(BENCH_VENV)/.bench: requirements/bench.txt requirements/install pyproject.toml
	@requirements/install $(BENCH_VENV) $<
	@touch $@
