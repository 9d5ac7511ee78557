import pytest

from edge.decode.currency import currency_of
from edge.errors import UsageError


def test_codes_are_read_in_either_case() -> None:
    assert currency_of("usd") == currency_of("USD")


def test_an_unknown_code_is_refused() -> None:
    with pytest.raises(UsageError, match="XYZ"):
        currency_of("XYZ")
