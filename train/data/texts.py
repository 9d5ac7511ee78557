"""What people write into the fields of a check: amounts, dates and plain numbers, in the symbols of the strip network."""

import numpy as np

# Share of each kind of text among the synthetic strips.
_KINDS = (("plain", 0.24), ("grouped", 0.20), ("cents", 0.16), ("fraction", 0.10), ("slash_dash", 0.14), ("decimal", 0.06), ("date", 0.10))


def draw_text(rng: np.random.Generator) -> str:
    """Return one text over ``0-9 . , - / $ *``."""
    kind = str(rng.choice([name for name, _ in _KINDS], p=[share for _, share in _KINDS]))
    if kind == "date":
        return _date(rng)
    number = _number(rng)
    if kind == "decimal":
        return f"{'-' if rng.random() < 0.15 else ''}{number[:2]}{_mark(rng)}{int(rng.integers(0, 100))}"
    if kind == "plain":
        return number + _tail(rng)
    if kind == "grouped":
        return _currency(rng) + _grouped(number, rng) + _tail(rng)
    if kind == "slash_dash":
        number = _number(rng, most=9) if rng.random() < 0.5 else number
        written = _grouped(number, rng, indian=0.6) if rng.random() < 0.75 else number
        return _currency(rng) + written + str(rng.choice(["/-", "/-", "-", "--", ".-", ""]))
    whole = _grouped(number, rng) if rng.random() < 0.6 else number
    if kind == "fraction":
        cents = f"{int(rng.integers(0, 100)):02d}"
        return (
            _currency(rng)
            + whole
            + str(rng.choice(["", ".", "-"], p=[0.7, 0.15, 0.15]))
            + cents
            + "/"
            + ("100" if rng.random() < 0.75 else "")
        )
    cents = "00" if rng.random() < 0.35 else f"{int(rng.integers(0, 100)):02d}"
    stars = "*" * int(rng.integers(1, 4)) if rng.random() < 0.12 else ""
    after = stars if rng.random() < 0.4 else _tail(rng)
    return stars + _currency(rng) + whole + _mark(rng) + cents + after


def _number(rng: np.random.Generator, most: int = 7) -> str:
    n_digits = int(rng.integers(4, most + 1) if most > 7 else rng.choice(range(1, 8), p=[0.05, 0.13, 0.22, 0.24, 0.22, 0.11, 0.03]))
    digits = [str(d) for d in rng.integers(0, 10, n_digits)]
    if digits[0] == "0" and n_digits > 1:
        digits[0] = str(rng.integers(1, 10))
    if rng.random() < (0.65 if most > 7 else 0.3):  # round sums end in zeros
        n_zeros = int(rng.integers(1, n_digits + 1)) if n_digits > 1 else 0
        digits[n_digits - n_zeros :] = "0" * n_zeros
        digits[0] = digits[0] if digits[0] != "0" else "5"
    if rng.random() < 0.1 and n_digits > 1:  # repeated digits are what a column reader drops
        at = int(rng.integers(0, n_digits - 1))
        digits[at + 1] = digits[at]
    return "".join(digits)


def _grouped(number: str, rng: np.random.Generator, indian: float = 0.15) -> str:
    if rng.random() < indian and len(number) > 5:  # Indian: 12,34,567, the first group sometimes left whole: 150,00,000
        head, tail = number[:-3], number[-3:]
        pairs = [head[max(0, i - 2) : i] for i in range(len(head), 0, -2)][::-1]
        if len(pairs) > 1 and len(pairs[0]) == 1 and rng.random() < 0.4:
            pairs[:2] = ["".join(pairs[:2])]
        return ("," if rng.random() < 0.8 else ".").join([*pairs, tail])
    mark = str(rng.choice([".", ","]))
    groups = [number[max(0, end - 3) : end] for end in range(len(number), 0, -3)]
    return mark.join(reversed(groups))


def _mark(rng: np.random.Generator) -> str:
    return str(rng.choice([".", ","], p=[0.65, 0.35]))


def _currency(rng: np.random.Generator) -> str:
    return "$" if rng.random() < 0.45 else ""


def _tail(rng: np.random.Generator) -> str:
    return str(rng.choice(["", ".", ",", "-", "--", ".-"], p=[0.62, 0.12, 0.05, 0.13, 0.04, 0.04]))


def _date(rng: np.random.Generator) -> str:
    day, month, year = int(rng.integers(1, 32)), int(rng.integers(1, 13)), int(rng.integers(1990, 2040))
    shown_year = f"{year % 100:02d}" if rng.random() < 0.5 else str(year)
    parts = [f"{day:02d}" if rng.random() < 0.5 else str(day), f"{month:02d}" if rng.random() < 0.5 else str(month)]
    if rng.random() < 0.5:
        parts.reverse()
    draw = rng.random()
    if draw < 0.1:
        return f"{day:02d}{month:02d}{year}"
    return str(rng.choice(["/", "-", "."], p=[0.6, 0.25, 0.15])).join([*parts, shown_year])
