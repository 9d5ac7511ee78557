"""Kinds of checks: where each has what, as ranges that a drawn check is chosen from, and the words printed on it.

Sizes and contents after what is public of each kind: United States (ANSI X9.100-20), India (CTS-2010), United Kingdom (Cheque and Credit
Clearing standard 3), Canada (Payments Canada standard 006), Latin America (no one standard). Places are shares of width and height.
"""

from collections.abc import Mapping
from dataclasses import dataclass

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Style:
    """Where a kind of check has what, as ranges; ``sign`` is printed before the amount, ``number`` None: only in the MICR line."""

    name: str
    inches: tuple[float, float]
    sign: str
    date: tuple[Span, Span]
    date_in_cells: float
    amount: tuple[Span, Span]
    payee_y: Span
    legal_y: Span
    signature: tuple[Span, Span]
    number: tuple[Span, Span] | None
    labels: Mapping[str, tuple[str, ...]]


_ENGLISH = {"pay": ("PAY TO THE ORDER OF", "Pay to the order of"), "date": ("DATE", "Date"), "memo": ("MEMO", "FOR"), "legal": ("DOLLARS",)}
STYLES = (
    Style("us_personal", (6.0, 2.75), "$", ((0.5, 0.7), (0.13, 0.34)), 0.03, ((0.72, 0.82), (0.33, 0.5)), (0.36, 0.5), (0.5, 0.64),
          ((0.52, 0.62), (0.76, 0.86)), ((0.72, 0.9), (0.05, 0.14)), _ENGLISH),
    Style("us_business", (8.25, 3.3), "$", ((0.45, 0.78), (0.14, 0.4)), 0.03, ((0.72, 0.84), (0.28, 0.52)), (0.3, 0.56), (0.36, 0.66),
          ((0.54, 0.68), (0.7, 0.86)), ((0.7, 0.92), (0.04, 0.16)), _ENGLISH),
    Style("india_cts", (8.0, 3.67), "\u20b9", ((0.7, 0.78), (0.09, 0.15)), 0.92, ((0.73, 0.8), (0.46, 0.58)), (0.24, 0.32), (0.36, 0.44),
          ((0.66, 0.76), (0.74, 0.84)), None, {**_ENGLISH, "pay": ("Pay", "PAY"), "legal": ("Rupees", "RUPEES")}),
    Style("britain", (7.2, 3.2), "\u00a3", ((0.66, 0.74), (0.13, 0.26)), 0.1, ((0.7, 0.78), (0.42, 0.58)), (0.32, 0.42), (0.42, 0.56),
          ((0.55, 0.66), (0.72, 0.82)), ((0.05, 0.2), (0.78, 0.84)), {**_ENGLISH, "pay": ("Pay", "PAY"), "legal": ("Pounds", "POUNDS")}),
    Style("canada", (6.25, 2.75), "$", ((0.58, 0.66), (0.16, 0.26)), 0.85, ((0.73, 0.8), (0.36, 0.48)), (0.4, 0.5), (0.52, 0.62),
          ((0.54, 0.64), (0.76, 0.86)), ((0.8, 0.9), (0.05, 0.12)), _ENGLISH),
    Style("latin_america", (6.8, 2.95), "$", ((0.3, 0.62), (0.22, 0.36)), 0.1, ((0.66, 0.78), (0.1, 0.26)), (0.4, 0.5), (0.52, 0.62),
          ((0.55, 0.66), (0.74, 0.84)), ((0.42, 0.62), (0.06, 0.14)),
          {"pay": ("P\u00e1guese a la orden de", "P\u00e1guese a"), "date": ("Fecha", "Lugar y fecha"), "memo": ("Ref.",),
           "legal": ("la cantidad de",)}),
)  # fmt: skip
