"""What C libraries do unasked is kept from the terminal and from the cores."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep from the terminal what C libraries print there (libtiff each damaged line, TFLite its delegates); Python's own errors pass.

    NumPy's linear algebra starts no threads either: no matrix here is large enough for them, and they take as long as NumPy's import.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if sys.stderr is None:  # closed by whoever started us
        yield
        return
    sys.stderr.flush()
    terminal, python_stderr = os.dup(2), sys.stderr
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    with open(terminal, "w", buffering=1, encoding=python_stderr.encoding, errors="backslashreplace", closefd=False) as sys.stderr:
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
            sys.stderr = python_stderr
