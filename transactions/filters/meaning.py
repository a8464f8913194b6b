"""What the values of a term mean at a given moment: tests that memory and SQL answer alike.

Times and durations become half-open spans of microseconds since 1970-01-01 UTC, numbers half-open spans of integers,
so that both sides compare nothing but integers; text is compared by code point, and searched with ASCII letters of
either case alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from transactions.clock import to_micros
from transactions.durations import parse_duration
from transactions.filters.fields import Field, FieldType, near
from transactions.filters.query import Sign, Term, Value

SEARCH_MINIMUM = 3
"""Characters that a search has at least."""
RANGE = ".."
"""Between the ends of a range."""

Span = tuple[int | None, int | None]

_DAY = 86_400_000_000
_LATEST = to_micros(datetime(9999, 12, 31, tzinfo=UTC))
_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_WHEN = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt](\d\d:\d\d)(:\d\d(\.\d{1,6})?)?([Zz]|[+-]\d\d:\d\d)?)?",
    re.ASCII,
)
_FLAGS = {"true": True, "yes": True, "false": False, "no": False}


class BadValue(ValueError):
    """A value that its field cannot have; ``suggestions`` name what may have been meant."""

    def __init__(self, message: str, suggestions: list[str] | None = None) -> None:
        super().__init__(message)
        self.suggestions = suggestions or []


class TextTest(Struct, frozen=True, kw_only=True):
    """Any of: equal, beginning with, like a pattern whose ``*`` stands for any characters, or null."""

    exact: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    null: bool = False


class SearchTest(Struct, frozen=True, kw_only=True):
    """Contains any of the needles, which are in lower case (:func:`fold`), or is null."""

    needles: tuple[str, ...] = ()
    null: bool = False


class SpanTest(Struct, frozen=True, kw_only=True):
    """In any of the spans, or null."""

    spans: tuple[Span, ...] = ()
    null: bool = False


class FlagTest(Struct, frozen=True, kw_only=True):
    """One of the wanted."""

    wanted: frozenset[bool]


Test = TextTest | SearchTest | SpanTest | FlagTest


def fold(text: str) -> str:
    """ASCII letters in lower case and everything else as it is, as SQLite's ``lower`` does it."""
    return text.translate(_ASCII_LOWER)


def resolve(term: Term, field: Field, now: datetime) -> Test:
    """What a term asks at the moment ``now``.

    Raises:
        BadValue: the field cannot have such a value, or cannot be compared so.
    """
    nulls = [value for value in term.values if _is_none(value)]
    if nulls and not field.nullable and field.type is not FieldType.ENUM:
        raise BadValue(f"{field.shown} is never empty, so none finds nothing")
    if term.sign is not Sign.IS:
        if field.type not in (FieldType.TIME, FieldType.DURATION, FieldType.NUMBER):
            raise BadValue(
                f"{field.shown} has no order: write {field.shown}:VALUE, with * for any characters",
                [f"{field.shown}:{term.values[0].text}"],
            )
        if len(term.values) > 1 or nulls:
            raise BadValue(f"{field.shown}{term.sign} takes one value")
    null = bool(nulls) and field.nullable
    values = [value for value in term.values if not (null and _is_none(value))]
    match field.type:
        case FieldType.TEXT:
            return _text_test(values, null)
        case FieldType.ENUM:
            return TextTest(exact=tuple(_enum_values(values, field)), null=null)
        case FieldType.SEARCH:
            return SearchTest(needles=tuple(_needle(value, field) for value in values), null=null)
        case FieldType.TIME:
            return SpanTest(
                spans=tuple(
                    _ordered(term.sign, value, field, lambda one: _time_span(one, field, now)) for value in values
                ),
                null=null,
            )
        case FieldType.NUMBER:
            return SpanTest(
                spans=tuple(
                    _ordered(term.sign, value, field, lambda one: _number_span(one, field)) for value in values
                ),
                null=null,
            )
        case FieldType.DURATION:
            return SpanTest(spans=tuple(_age_span(term.sign, value, field, now) for value in values))
        case FieldType.FLAG:
            return FlagTest(wanted=frozenset(_flag(value, field) for value in values))


def _ordered(sign: Sign, value: Value, field: Field, read: Callable[[str], tuple[int, int]]) -> Span:
    """The span of a value, of a comparison with it, or of a range, whose ends are both part of it."""
    ends = _range(sign, value, field)
    if ends is None:
        return _compare(read(value.text), sign)
    low, high = (read(end) if end else None for end in ends)
    start, end = low and low[0], high and high[1]
    if start is not None and end is not None and start >= end and not any(map(_moves, ends)):
        raise _backwards(field, *ends)
    return start, end


def _range(sign: Sign, value: Value, field: Field) -> tuple[str, str] | None:
    """The two ends of ``A..B``, of which one may be empty; None for a single value."""
    if value.quoted or RANGE not in value.text:
        return None
    low, _, high = value.text.partition(RANGE)
    if sign is not Sign.IS:
        raise BadValue(f"{field.shown}{sign} takes one value, and a range has two", [f"{field.shown}:{value.text}"])
    if not low and not high:
        raise BadValue(f"a range in {field.shown} has an end at least: A..B, A.. or ..B")
    return low, high


def _moves(end: str) -> bool:
    """Whether a time is another one later."""
    return end[:1] in ("+", "-") or end.lower() in ("now", "today", "yesterday")


def _backwards(field: Field, low: str, high: str) -> BadValue:
    return BadValue(f"{field.shown} cannot be both {low} or more and {high} or less", [f"{field.shown}:{high}..{low}"])


def _is_none(value: Value) -> bool:
    return not value.quoted and value.text.lower() == "none"


def _text_test(values: list[Value], null: bool) -> TextTest:
    exact, prefixes, patterns = [], [], []
    for value in values:
        if value.quoted or "*" not in value.text:
            exact.append(value.text)
            continue
        pattern = re.sub(r"\*+", "*", value.text)
        if pattern.index("*") == len(pattern) - 1 and pattern != "*":
            prefixes.append(pattern[:-1])
        else:
            patterns.append(pattern)
    return TextTest(exact=tuple(exact), prefixes=tuple(prefixes), patterns=tuple(patterns), null=null)


def _enum_values(values: list[Value], field: Field) -> list[str]:
    chosen: list[str] = []
    for value in values:
        asked = value.text.lower()
        if value.quoted or "*" not in asked:
            found = [one for one in field.values if one == asked]
        else:
            pattern = pattern_regex(asked)
            found = [one for one in field.values if pattern.fullmatch(one)]
        if not found:
            meant = near(asked, field.values)
            raise BadValue(
                f"{field.shown} is never {value.text!r}. It is one of: {', '.join(field.values)}",
                [f"{field.shown}:{one}" for one in meant],
            )
        chosen += found
    return list(dict.fromkeys(chosen))


def pattern_regex(pattern: str) -> re.Pattern[str]:
    """A pattern whose ``*`` stands for any characters, as a regular expression."""
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.DOTALL)


def _needle(value: Value, field: Field) -> str:
    text = value.text if value.quoted else value.text.strip("*")
    if len(text.strip()) < SEARCH_MINIMUM:
        raise BadValue(f"a search in {field.shown} wants {SEARCH_MINIMUM} characters or more")
    return fold(text)


def _flag(value: Value, field: Field) -> bool:
    flag = _FLAGS.get(value.text.lower())
    if flag is None:
        raise BadValue(f"{field.shown} is true or false", [f"{field.shown}:true", f"{field.shown}:false"])
    return flag


def _number_span(text: str, field: Field) -> tuple[int, int]:
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise BadValue(f"{field.shown} is a whole number from 0 to 999999999, and {text!r} is none")
    number = int(text)
    return number, number + 1


def _time_span(text: str, field: Field, now: datetime) -> tuple[int, int]:
    """A time stands for as long as it is precise: a date for its day, ``06:30`` for its minute."""
    moment = to_micros(now)
    if text.lower() == "now":
        return moment, moment + 1
    if text.lower() in ("today", "yesterday"):
        start = moment - moment % _DAY - (_DAY if text.lower() == "yesterday" else 0)
        return start, start + _DAY
    if text[:1] in ("+", "-"):
        at = moment + (1 if text[0] == "+" else -1) * _micros(text[1:], field)
        return at, at + 1
    try:
        return _absolute(text)
    except ValueError as error:
        raise _bad_time(text, field) from error


def _absolute(text: str) -> tuple[int, int]:
    match = _WHEN.fullmatch(text)
    if match is None:
        raise ValueError(text)
    day, minutes, seconds, fraction, zone = match.groups()
    moment = datetime.fromisoformat(text.upper() if minutes else day)
    if not zone:
        moment = moment.replace(tzinfo=UTC)
    start = to_micros(moment)
    if fraction:
        return start, start + 1
    return start, start + (1_000_000 if seconds else 60_000_000 if minutes else _DAY)


def _bad_time(text: str, field: Field) -> BadValue:
    try:
        parse_duration(text)
    except ValueError:
        return BadValue(
            f"{field.shown} is a time, and {text!r} is none: write 2026-11-20, 2026-11-20T06:30Z, today, yesterday, "
            "-2h (two hours ago) or +30m (in half an hour)"
        )
    # "failed_at>2h" reads as "more than two hours ago" to one and "in the last two hours" to another
    return BadValue(
        f"{field.shown} is a time: write -{text} for {text} ago, or +{text} for {text} from now",
        [f"{field.shown}>-{text}", f"{field.shown}<+{text}"],
    )


def _micros(text: str, field: Field) -> int:
    try:
        return min(parse_duration(text) // timedelta(microseconds=1), _LATEST)
    except (ValueError, OverflowError) as error:
        raise BadValue(f"{field.shown}: {error}") from error


def _age_span(sign: Sign, value: Value, field: Field, now: datetime) -> Span:
    """The span of the moment it failed or came in: the older, the earlier."""
    text, moment = value.text, to_micros(now)
    ends = _range(sign, value, field)
    if ends is not None:
        least, most = (_micros(end, field) if end else None for end in ends)
        if least is not None and most is not None and least > most:
            raise _backwards(field, *ends)
        return None if most is None else moment - most, None if least is None else moment - least + 1
    span = _micros(text, field)
    limit = moment - span
    match sign:
        case Sign.IS:
            raise BadValue(
                f"{field.shown} changes all the time: compare it, like {field.shown}>{text}, or give a range, like "
                f"{field.shown}:{text}..",
                [f"{field.shown}>{text}"],
            )
        case Sign.ABOVE:
            return None, limit
        case Sign.AT_LEAST:
            return None, limit + 1
        case Sign.BELOW:
            return limit + 1, None
        case _:
            return limit, None


def _compare(span: tuple[int, int], sign: Sign) -> Span:
    start, end = span
    match sign:
        case Sign.BELOW:
            return None, start
        case Sign.AT_MOST:
            return None, end
        case Sign.ABOVE:
            return end, None
        case Sign.AT_LEAST:
            return start, None
        case Sign.IS:
            return span
