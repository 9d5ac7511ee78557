"""Names that belong to nobody, and amounts in words, for drawn checks."""

BANKS = (
    "First Heron Bank",
    "Juniper Valley Savings",
    "Bank of Saltmarsh",
    "Lantern Credit Union",
    "Copperfield Trust Co.",
    "Northgate Mutual",
)
PEOPLE = ("Ada Lindqvist", "Tomas Ferreira", "Priya Raman", "Helen Okafor", "Jonas Weber", "Mei Castellano", "Oskar Blom")
FIRMS = ("Bluewater Plumbing", "Quill & Sons", "Harrow Street Bakery", "Orchard Dental", "Tern Logistics LLC", "Cedar Books Inc.")
STREETS = ("12 Mill Lane", "408 Ash Street", "77 Harbour Road", "1650 Elm Avenue", "9 Quarry Hill")

_UNITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = ("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def words_of(whole: int) -> str:
    """Return a whole number below a million in English words.

    Raises:
        ValueError: the number is negative or a million or more.
    """
    if not 0 <= whole < 1_000_000:
        raise ValueError(f"cannot spell {whole}; 0 to 999999 can be spelt")
    if whole < 20:
        return (_UNITS + _TEENS)[whole]
    if whole < 100:
        return _TENS[whole // 10] + (f"-{_UNITS[whole % 10]}" if whole % 10 else "")
    if whole < 1000:
        return f"{_UNITS[whole // 100]} hundred" + (f" {words_of(whole % 100)}" if whole % 100 else "")
    return f"{words_of(whole // 1000)} thousand" + (f" {words_of(whole % 1000)}" if whole % 1000 else "")
