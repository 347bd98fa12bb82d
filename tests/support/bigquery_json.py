"""BigQuery's rule for numbers in JSON, which local-bigquery does not have.

``PARSE_JSON(text)`` reads a number with a fraction as a double and prints that double again; if the print is another
number than the text, it refuses ("cannot round-trip through string representation"). Its printer is the Grisu2 of the
JSON library that GoogleSQL uses, which now and then needs more digits than the shortest that would do. With
``wide_number_mode=>'round'`` nothing is compared.

.. seealso:: https://cloud.google.com/bigquery/docs/reference/standard-sql/json_functions#parse_json
.. seealso:: Florian Loitsch, "Printing Floating-Point Numbers Quickly and Accurately with Integers", PLDI 2010
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

_MASK = (1 << 64) - 1
_LOWEST_EXPONENT, _STEP, _ALPHA = -300, 8, -60


def accepts(value: Any, mode: str | None) -> bool:
    """Whether ``PARSE_JSON`` takes a value, as the package spells it, in a mode; ``None`` is BigQuery's default."""
    if isinstance(value, dict):
        return all(accepts(inner, mode) for inner in value.values())
    if isinstance(value, list):
        return all(accepts(inner, mode) for inner in value)
    if mode == "round" or not isinstance(value, float):
        return not isinstance(value, float) or math.isfinite(value)
    return value == 0 or printed(value) == Decimal(repr(value))


def printed(value: float) -> Decimal:
    """Return what BigQuery's printer makes of a finite double."""
    digits, exponent = _grisu2(abs(value))
    return (Decimal(digits) * Decimal(10) ** exponent).copy_sign(Decimal(value))


class _Float(NamedTuple):
    """A number with a significand of 64 bits: f × 2 ** e."""

    f: int
    e: int

    def times(self, other: _Float) -> _Float:
        return _Float((self.f * other.f + (1 << 63)) >> 64, self.e + other.e + 64)

    def normalized(self, exponent: int | None = None) -> _Float:
        shift = 64 - self.f.bit_length() if exponent is None else self.e - exponent
        return _Float(self.f << shift, self.e - shift)


def _neighbourhood(value: float) -> tuple[_Float, _Float, _Float]:
    """Return the lower boundary, the number itself and the upper boundary of what rounds to it."""
    mantissa, exponent = math.frexp(value)
    f, e = int(mantissa * 2**53), exponent - 53
    if e < -1074:
        f, e = f >> (-1074 - e), -1074
    closer_below = f == 1 << 52 and e > -1074
    upper = _Float(2 * f + 1, e - 1).normalized()
    lower = _Float(4 * f - 1, e - 2) if closer_below else _Float(2 * f - 1, e - 1)
    return lower.normalized(upper.e), _Float(f, e).normalized(), upper


@cache
def _power_of_ten(exponent: int) -> _Float:
    """Return a power of ten with 64 bits, rounded."""
    exact = Fraction(10) ** exponent
    e = exact.numerator.bit_length() - exact.denominator.bit_length() - 64
    f = round(exact / Fraction(2) ** e)
    while f > _MASK:
        e += 1
        f = round(exact / Fraction(2) ** e)
    while f < 1 << 63:
        e -= 1
        f = round(exact / Fraction(2) ** e)
    return _Float(f, e)


def _grisu2(value: float) -> tuple[int, int]:
    """Return digits and decimal exponent."""
    lower, number, upper = _neighbourhood(value)
    wanted = _ALPHA - upper.e - 1
    k = (wanted * 78913) // (1 << 18) + (wanted > 0) if wanted >= 0 else -((-wanted * 78913) // (1 << 18))
    power = _LOWEST_EXPONENT + (-_LOWEST_EXPONENT + k + (_STEP - 1)) // _STEP * _STEP
    ten = _power_of_ten(power)
    scaled, below, above = number.times(ten), lower.times(ten), upper.times(ten)
    return _digits(_Float(below.f + 1, below.e), scaled, _Float(above.f - 1, above.e), -power)


def _digits(lower: _Float, number: _Float, upper: _Float, exponent: int) -> tuple[int, int]:
    """Generate digits of ``upper`` until they are within the boundaries, then step towards ``number``."""
    delta, distance = upper.f - lower.f, upper.f - number.f
    one = 1 << -upper.e
    whole, fraction = divmod(upper.f, one)
    digits = 0
    for place in range(len(str(whole)) - 1, -1, -1):
        digit, whole = divmod(whole, 10**place)
        digits = digits * 10 + digit
        rest = whole * one + fraction
        if rest <= delta:
            return _rounded(digits, distance, delta, rest, 10**place * one), exponent + place
    places = 0
    while True:
        digit, fraction = divmod(fraction * 10, one)
        digits = digits * 10 + digit
        places += 1
        delta, distance = delta * 10, distance * 10
        if fraction <= delta:
            return _rounded(digits, distance, delta, fraction, one), exponent - places


def _rounded(digits: int, distance: int, delta: int, rest: int, unit: int) -> int:
    while (
        rest < distance
        and delta - rest >= unit
        and (rest + unit < distance or distance - rest > rest + unit - distance)
    ):
        digits -= 1
        rest += unit
    return digits
