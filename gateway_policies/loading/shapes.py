"""What a policy file may say, as shapes of values: the loader's check and the editors' schema in one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any, ClassVar, Final

from gateway_policies.loading.mistakes import Path, Problem, quoted, spelled
from gateway_policies.nearest import did_you_mean, listed


class _Broken(StrEnum):
    VALUE = "broken"


BROKEN: Final = _Broken.VALUE
"""What a check answers for a value that cannot be used."""

_URL_WITH_SECRET = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s]*@")


class Checking:
    """One check of one document.

    Args:
        partial: whether something is laid over it or under it yet, so that what is required may be missing.
        removing: whether it is an overlay, which may take things away.
    """

    def __init__(self, *, partial: bool = False, removing: bool = False) -> None:
        self.partial = partial
        self.removing = removing
        self.problems: list[Problem] = []

    def tell(self, rule: str, path: Path, message: str, advice: str = "", *, on_key: bool = False) -> None:
        """Note a problem, and go on."""
        self.problems.append(Problem(rule, path, message, advice, on_key))


class Shape:
    """A shape of values.

    Attributes:
        expected: what it is, with its article: ``a number``.
        stand_in: what to go on with where a required value cannot be used, so that the rest is checked too.
    """

    expected: str = "a value"
    stand_in: Any = ""

    def check(self, value: Any, path: Path, checking: Checking) -> Any:
        """The value, without what is wrong in it, or ``BROKEN``."""
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        """JSON Schema, 2020-12."""
        raise NotImplementedError

    def wrong_type(self, value: Any, path: Path, checking: Checking) -> _Broken:
        """Say that it is something else altogether."""
        checking.tell(
            "wrong-type",
            path,
            f"{spelled(path)} is {kind_of(value)}, and {self.expected} is expected.",
            self.hint(value),
        )
        return BROKEN

    def hint(self, value: Any) -> str:
        """What to do about a value of another type."""
        return ""


class Text(Shape):
    """A text that looks like something.

    Args:
        expected: what, with its article.
        pattern: the whole of it, as both Python and ECMAScript read it.
        example: one that is right.
        rule: which mistake another text is.
        looks: what it looks like, as a sentence.
        stand_in: as ``Shape.stand_in``; an empty name of something else leads nowhere, and is not looked for.
    """

    def __init__(
        self,
        expected: str,
        pattern: str = r"[\s\S]*",
        example: str = "",
        rule: str = "bad-value",
        looks: str = "",
        stand_in: str = "",
    ) -> None:
        self.expected = expected
        self.stand_in = stand_in
        self.looks = looks
        self.example = example
        self.rule = rule
        self.pattern = pattern
        self._fits = re.compile(pattern).fullmatch

    def check(self, value: Any, path: Path, checking: Checking) -> Any:
        """The text."""
        if type(value) is not str:
            return self.wrong_type(value, path, checking)
        if self._fits(value) is not None:
            return value
        if _URL_WITH_SECRET.match(value):
            checking.tell(
                "secret-in-file",
                path,
                f"{spelled(path)} has a user and a password in its address.",
                "Leave them out of the file; whoever can read the repository can read them. Change the password.",
            )
        else:
            checking.tell(
                self.rule, path, f"{spelled(path)} = {quoted(value)} is not {self.expected}.", self.hint(value)
            )
        return BROKEN

    def schema(self) -> dict[str, Any]:
        """A string of this pattern."""
        return (
            {"type": "string", "pattern": f"^(?:{self.pattern})$"} if self.pattern != r"[\s\S]*" else {"type": "string"}
        )

    def hint(self, value: Any) -> str:
        """What it looks like, and an example."""
        example = f'Write it like "{self.example}".' if self.example else ""
        return f"{self.looks} {example}".strip()


class Reference(Text):
    """Where a secret is. What it says instead is never repeated: it may be the secret."""

    def __init__(self) -> None:
        super().__init__(
            "a reference to a secret",
            r"env:[A-Za-z_][A-Za-z0-9_]*|file:[^\s\x00-\x1f][^\x00-\x1f]*|keyring:[^/\s\x00-\x1f]+/[^\s\x00-\x1f]+",
            rule="secret-in-file",
        )

    def check(self, value: Any, path: Path, checking: Checking) -> Any:
        """The reference."""
        if type(value) is str and self._fits(value) is not None:
            return value
        checking.tell(
            "secret-in-file",
            path,
            f"{spelled(path)} is not a reference to a secret. What it says is not repeated here.",
            'Write where the secret is: "env:NAME", "file:PATH" or "keyring:SERVICE/NAME". '
            "If a secret was in the file, change it: git keeps it.",
        )
        return BROKEN


class Choice(Shape):
    """One of some words."""

    def __init__(self, expected: str, words: Iterable[str]) -> None:
        self.expected = expected
        # Plain texts, also where they come from an enumeration: messages show them.
        self.words = tuple(str(word) for word in words)
        self.stand_in = self.words[0]

    def check(self, value: Any, path: Path, checking: Checking) -> Any:
        """The word."""
        if type(value) is not str:
            return self.wrong_type(value, path, checking)
        if value in self.words:
            return value
        checking.tell(
            "bad-value",
            path,
            f"{spelled(path)} = {quoted(value)} is not {self.expected}.{did_you_mean(value, self.words)}",
            self.hint(value),
        )
        return BROKEN

    def schema(self) -> dict[str, Any]:
        """One of the words."""
        return {"enum": list(self.words)}

    def hint(self, value: Any) -> str:
        """All of the words."""
        return f"Known are: {listed(self.words)}."


class Number(Shape):
    """A whole number from 1."""

    most: ClassVar[int] = 1_000_000_000
    expected = "a whole number"
    stand_in = 1

    def check(self, value: Any, path: Path, checking: Checking) -> Any:
        """The number."""
        if type(value) is not int:
            return self.wrong_type(value, path, checking)
        if 1 <= value <= self.most:
            return value
        checking.tell(
            "bad-value", path, f"{spelled(path)} is out of range.", f"Write a number from 1 to {self.most:,}."
        )
        return BROKEN

    def schema(self) -> dict[str, Any]:
        """An integer."""
        return {"type": "integer", "minimum": 1, "maximum": self.most}

    def hint(self, value: Any) -> str:
        """Quotes make a text of a number."""
        return "Write it without quotes." if isinstance(value, str) and value.isdecimal() else ""


class Flag(Shape):
    """Yes or no."""

    expected = "true or false"
    stand_in = False

    def check(self, value: Any, path: Path, checking: Checking) -> Any:
        """The flag."""
        return value if type(value) is bool else self.wrong_type(value, path, checking)

    def schema(self) -> dict[str, Any]:
        """A boolean."""
        return {"type": "boolean"}

    def hint(self, value: Any) -> str:
        """Quotes make a text of it."""
        return "Write it without quotes." if value in ("true", "false") else ""


class Day(Shape):
    """A date of TOML, without quotes."""

    expected = "a date"
    stand_in = date(2000, 1, 1)

    def check(self, value: Any, path: Path, checking: Checking) -> Any:
        """The date."""
        # A datetime is a date to Python; here a time of day would be dropped in silence.
        return value if type(value) is date else self.wrong_type(value, path, checking)

    def schema(self) -> dict[str, Any]:
        """As editors see a date of TOML."""
        return {"type": "string", "format": "date"}

    def hint(self, value: Any) -> str:
        """How a date is written."""
        return "Write it like 2027-01-31, without quotes and without a time."


class Moment(Shape):
    """A date and a time of TOML, with an offset."""

    expected = "a date and time with its offset"
    stand_in = datetime.fromisoformat("2000-01-01T00:00:00+00:00")

    def check(self, value: Any, path: Path, checking: Checking) -> Any:
        """The moment."""
        if type(value) is not datetime:
            return self.wrong_type(value, path, checking)
        if value.tzinfo is None:
            checking.tell(
                "bad-value",
                path,
                f"{spelled(path)} has no offset, and means another moment in each place.",
                self.hint(value),
            )
            return BROKEN
        if not 1970 <= value.year < 9999:
            checking.tell("bad-value", path, f"{spelled(path)} is in the year {value.year}.", self.hint(value))
            return BROKEN
        return value

    def schema(self) -> dict[str, Any]:
        """As editors see a date and time of TOML."""
        return {"type": "string", "format": "date-time"}

    def hint(self, value: Any) -> str:
        """How a moment is written."""
        return "Write it like 2027-02-01T06:00:00Z, without quotes."


def kind_of(value: Any) -> str:
    """What a value of TOML is, with its article."""
    kinds: dict[type, str] = {
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number with a fraction",
        list: "a list",
        dict: "a table",
        date: "a date",
        datetime: "a date with a time",
        time: "a time of day",
    }
    return kinds[type(value)]
