"""Reading a filter: grammar first, then every name and value held against the registry of fields."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from transactions.errors import BadFilter
from transactions.filters.fields import FIELDS, KEY_PREFIX, Field, field_names, find_field, near
from transactions.filters.meaning import SEARCH_MINIMUM, BadValue, resolve
from transactions.filters.query import And, Node, Not, Or, Query, Sign, Term, Value, Words, is_plain

if TYPE_CHECKING:
    from lark import Lark, Token, Tree, UnexpectedInput

LENGTH = 4_000
"""Characters a filter may have."""
DEPTH = 30
"""Parentheses that may be open at once."""
VALUES = 250
"""Values and words that a filter may name; databases bound the size of an expression."""

_SIGNS = re.compile(r"(?::|>=|<=|>|<|=)$")
_FOREIGN_NOT = re.compile(r"!+(?P<term>[A-Za-z_][\w.-]*[:<>=].*)|(?P<name>[A-Za-z_][\w.-]*)!(?::|==?)(?P<value>.*)")
_FOREIGN_WORDS = {"&&": "and", "&": "and", "||": "or", "|": "or", "!": "not"}
_SOME_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)  # only to check values; no meaning is kept
_UNFIT = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")


def parse(
    text: str, keys: frozenset[str] | None = None, masked: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> Query:
    """Read a filter.

    Args:
        text: the filter; empty matches everything.
        keys: the business keys there are; None takes any unknown name for one.
        masked: the business keys that cannot be asked for, each with the flows that mask it.

    Raises:
        BadFilter: with ``column`` (from 1) and ``suggestions`` (whole terms or names) as extra.
    """
    _check_size(text)
    from lark import UnexpectedInput

    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        raise _syntax(text, error) from error
    child: Any = tree.children[0]
    return Query(None if child is None else _Builder(keys, masked).node(child))


@lru_cache(maxsize=1)
def _parser() -> Lark:
    # imported here, so that a command without a filter does not pay for it
    from lark import Lark

    grammar = resources.files("transactions.filters").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", maybe_placeholders=True)


class _Builder:
    """Makes nodes of the parse tree."""

    def __init__(self, keys: frozenset[str] | None, masked: Mapping[str, Sequence[str]]) -> None:
        self._keys, self._masked = keys, masked
        self._values = 0

    def _count(self, tokens: Sequence[Token]) -> None:
        self._values += len(tokens)
        if self._values > VALUES:
            raise _bad(f"It names more than {VALUES} values. Make it shorter.", _column(tokens[0]), [])

    def node(self, tree: Tree[Any]) -> Node:
        first: Any = tree.children[0]
        match str(tree.data):
            case "either":
                return _joined(Or, [self.node(child) for child in tree.children])
            case "both":
                return _joined(And, [self.node(child) for child in tree.children])
            case "negated":
                odd = True
                while first.data == "negated":  # a long row of signs must not be a deep recursion
                    odd, first = not odd, first.children[0]
                part = self.node(first)
                if not odd:
                    return part
                return part.part if isinstance(part, Not) else Not(part)
            case "word":
                self._count([first])
                return _words(first, quoted=False)
            case "quoted_word":
                self._count([first])
                return _words(first, quoted=True)
            case _:
                return self._term(tree.children)

    def _term(self, children: Sequence[Any]) -> Term:
        head: Token = children[0]
        written = _SIGNS.search(head)
        assert written is not None
        name, column = str(head)[: written.start()], _column(head)
        field = find_field(name, self._keys)
        if field is None:
            raise _unknown_field(name, column, self._keys)
        key = field.name.removeprefix(KEY_PREFIX)
        if field.name.startswith(KEY_PREFIX) and key in self._masked:
            raise _masked_key(field, column, self._keys, self._masked)
        sign = Sign.IS if written[0] == "=" else Sign(written[0])
        tokens: list[Token] = [child.children[0] for child in children[1:]]
        self._count(tokens)
        for token in tokens:
            _refuse_foreign_value(name, token)
        values = tuple(_value(token) for token in tokens)
        for value, token in zip(values, tokens, strict=True):
            self._check(field, sign, (value,), _column(token))
        self._check(field, sign, values, _column(tokens[0]))
        return Term(field.name, sign, values)

    def _check(self, field: Field, sign: Sign, values: tuple[Value, ...], column: int) -> None:
        try:
            resolve(Term(field.name, sign, values), field, _SOME_MOMENT)
        except BadValue as error:
            raise _bad(f"{error}.", column, error.suggestions) from error


def _masked_key(
    field: Field, column: int, keys: frozenset[str] | None, masked: Mapping[str, Sequence[str]]
) -> BadFilter:
    flows = masked[field.name.removeprefix(KEY_PREFIX)]
    others = sorted((keys or frozenset()) - masked.keys())
    return _bad(
        f"{field.shown} is masked in {', '.join(flows)}, so nothing can be searched by it: who finds a value knows it. "
        f"Search by another key{': ' + ', '.join(others[:8]) if others else ''}.",
        column,
        [],
    )


def _joined(kind: type[And] | type[Or], parts: list[Node]) -> Node:
    flat = tuple(one for part in parts for one in (part.parts if isinstance(part, kind) else (part,)))
    return kind(flat)


def _value(token: Token) -> Value:
    if token.type != "QUOTED":
        return Value(str(token))
    text = _unquote(token)
    return Value(text, quoted=not is_plain(text))


def _words(token: Token, *, quoted: bool) -> Words:
    text = _unquote(token) if quoted else str(token)
    if not quoted:
        _refuse_foreign_word(text, _column(token))
    if not quoted and "*" in text:
        bare = text.strip("*")
        raise _bad(
            "Words are searched anywhere in message, keys, ids and payload, so they need no *. Put it in quotes to "
            "search for the character itself.",
            _column(token),
            [bare] if len(bare) >= SEARCH_MINIMUM and "*" not in bare else [],
        )
    if not quoted and text.lower() in ("and", "or", "not"):
        raise _bad(
            f"Something is missing around {text!r}: a term stands after it, and before and and or. Put it in quotes to "
            "search for the word.",
            _column(token),
            [],
        )
    if not quoted and _SIGNS.fullmatch(text):
        raise _bad(f"{text!r} stands alone. A name and its sign stand together, like plant:P03.", _column(token), [])
    if len(text.strip()) < SEARCH_MINIMUM:
        raise _bad(f"A search wants {SEARCH_MINIMUM} characters or more, and {text!r} has less.", _column(token), [])
    return Words(text)


def _refuse_foreign_word(text: str, column: int) -> None:
    """Signs of other languages, which would be searched as text and find nothing, without a word about it."""
    if (own := _FOREIGN_WORDS.get(text)) is not None:
        raise _bad(f"{text!r} is written {own!r} here. Put it in quotes to search for the text.", column, [own])
    if text.startswith("'"):
        raise _bad(_SINGLE_QUOTE, column, [])
    written = _FOREIGN_NOT.fullmatch(text)
    if written is not None:
        term = written["term"] or f"{written['name']}:{written['value']}"
        raise _bad(
            f"What does not match is asked for with '-' before the term, like -{term[:80]}. "
            "Put it in quotes to search for the text.",
            column,
            [f"-{term}"],
        )


def _refuse_foreign_value(name: str, token: Token) -> None:
    if token.type == "QUOTED":
        return
    if token.startswith("'"):
        raise _bad(_SINGLE_QUOTE, _column(token), [])
    if token.startswith("!"):
        term = f"-{name}:{token.lstrip('!')}"
        raise _bad(
            f"What does not match is asked for with '-' before the term, like {term[:80]}. "
            "Put the value in quotes if it begins with '!'.",
            _column(token),
            [],
        )


_SINGLE_QUOTE = 'Text stands in double quotes here, like "lot not found". Put what begins with \' in them as well.'


def _unquote(token: Token) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1])


def _column(token: Token) -> int:
    return (token.start_pos or 0) + 1


def _check_size(text: str) -> None:
    if len(text) > LENGTH:
        raise _bad(f"The filter has {len(text):,} characters and the limit is {LENGTH:,}. Make it shorter.", LENGTH, [])
    unfit = _UNFIT.search(text)
    if unfit is not None:
        raise _bad("There is a character that no text has. Take it out.", unfit.start() + 1, [])
    depth = 0
    for match in re.finditer(r"\"(?:[^\"\\]|\\.)*\"|[()]", text):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth > DEPTH:
            raise _bad(f"More than {DEPTH} parentheses are open. Make it simpler.", match.start() + 1, [])


def _unknown_field(name: str, column: int, keys: frozenset[str] | None) -> BadFilter:
    full = [field.name for field in FIELDS]
    meant = near(name.removeprefix(KEY_PREFIX), [*field_names(keys or ()), *full])
    hint = f"Did you mean {' or '.join(meant)}?" if meant else "See docs/reference/filters.md for what there is."
    return _bad(f"There is no field or business key {name[:80]!r}. {hint}", column, [f"{one}:" for one in meant])


def _syntax(text: str, error: UnexpectedInput) -> BadFilter:
    position = error.pos_in_stream
    # at the end the parser got its own end token, which has the place of the last real one
    ended = position is None or position >= len(text) or getattr(getattr(error, "token", None), "type", "") == "$END"
    column = len(text) + 1 if ended or position is None else position + 1
    rest = "" if ended else text[column - 1 :]
    if rest.startswith('"'):
        problem = 'A quotation mark is not closed. Close it with ", and write \\" for one inside.'
    elif rest.startswith(")"):
        problem = "A parenthesis is closed that was not opened, or holds nothing."
    elif ended and text.count("(") > text.count(")"):
        problem = "A parenthesis is not closed."
    elif ended:
        problem = "Something is missing at the end: a value after the sign, or a term after and, or, not or -."
    elif rest.startswith(","):
        problem = "A comma separates values, like plant:P01,P02. Put text that has a comma in quotes."
    else:
        problem = f"{rest[:20]!r} cannot stand here. Put it in quotes if it is text."
    return _bad(problem, column, [])


def _bad(problem: str, column: int, suggestions: list[str]) -> BadFilter:
    return BadFilter(f"The filter cannot be read at column {column}: {problem}", column=column, suggestions=suggestions)
