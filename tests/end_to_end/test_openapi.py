"""The API against its own description: whatever the description allows is asked, and every answer has to be as described."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

FRAMES = Path(__file__).resolve().parent.parent.parent / "samples" / "frames"
# Streams have no end, and a picture made of random bytes is no picture: other tests ask these.
# What a schema cannot say (an amount that makes sense) is refused with 422, which the description names.
_NOT_PROMISED = [positive_data_acceptance]
_UNASKED = r"events$|live\.mjpeg$|/read$"


@pytest.fixture(scope="module")
def described(
    tmp_path_factory: pytest.TempPathFactory, fill: Callable[..., None], serve: Callable[..., AbstractContextManager[Any]]
) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("openapi") / "store"
    fill(folder, ["accepted", "unsure", "confirmed"])
    with serve(folder, f"replay:{FRAMES}") as site:
        yield schemathesis.openapi.from_url(f"{site.url}/api/v1/openapi.json").exclude(path_regex=_UNASKED)


def test_every_answer_is_as_described(described: Any) -> None:
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) > 15
    for operation in operations:

        @settings(
            max_examples=8, deadline=None, database=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            case.call_and_validate(excluded_checks=_NOT_PROMISED)

        ask()
