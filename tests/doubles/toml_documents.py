"""Documents of TOML that are made together with the positions of everything in them."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

Path = tuple[str | int, ...]
NASTY = st.text(st.sampled_from("ab#[]{}=.,\"'\\ \tñ𝄞"), max_size=8)
COMMENTS = st.sampled_from(("", " # plain", ' # a = "b" [c] {', "\t#'''", ' # """'))
ENDS = st.sampled_from(("\n", "\r\n"))


class Writer:
    """A document in the making, with the offsets of what is in it."""

    def __init__(self, draw: DrawFn) -> None:
        self.draw = draw
        self.end = draw(ENDS)
        self.text = ""
        self.keys: dict[Path, int] = {}
        self.values: dict[Path, int] = {}

    def put(self, text: str) -> None:
        self.text += text

    def line_end(self) -> None:
        self.put(self.draw(COMMENTS) + self.end)

    def blank(self) -> None:
        for _ in range(self.draw(st.integers(0, 2))):
            self.put(self.draw(st.sampled_from(("", "   "))))
            self.line_end()

    def name(self, used: set[str]) -> str:
        found = self.draw(
            st.sampled_from(("a", "b-1", "c_2", "3", "d.e", 'q"q', "sp ace", "é", "[x]", "#")).filter(
                lambda each: each not in used
            )
        )
        used.add(found)
        return found

    def key(self, name: str) -> None:
        plain = all(char.isascii() and (char.isalnum() or char in "-_") for char in name)
        style = self.draw(st.sampled_from(("bare", "basic", "literal") if plain else ("basic", "literal")))
        if style == "bare":
            self.put(name)
        elif style == "literal" and "'" not in name:
            self.put(f"'{name}'")
        else:
            escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("é", "\\u00e9")
            self.put(f'"{escaped}"')

    def value(self, path: Path, depth: int = 0) -> None:
        self.values[path] = len(self.text)
        kinds = ["plain", "basic", "literal", "long", "long literal", *(["array", "inline"] if depth < 3 else [])]
        match self.draw(st.sampled_from(kinds)):
            case "plain":
                self.put(
                    self.draw(
                        st.sampled_from(
                            ("1", "-1_000", "0xff", "1.5e3", "inf", "true", "2027-01-31", "07:30:00",
                             "2027-01-31T07:00:00Z", "2027-01-31 07:00:00.5+02:00")
                        )
                    )
                )  # fmt: skip
            case "basic":
                content = self.draw(NASTY).replace("\\", "\\\\").replace('"', '\\"')
                self.put(f'"{content}"')
            case "literal":
                self.put("'" + self.draw(NASTY).replace("'", "") + "'")
            case "long":
                content = self.draw(NASTY).replace("\\", "\\\\").replace('"""', '""\\"')
                edge = self.draw(st.sampled_from(("", '\\"', f"{self.end}] # no", f"x = 1{self.end}[[y]]", '""')))
                self.put(f'"""{self.end}{content.rstrip(chr(34))}{edge}"""')
            case "long literal":
                content = self.draw(NASTY).replace("'", "")
                edge = self.draw(st.sampled_from(("", f"{self.end}[no]", " \\", "'")))
                self.put(f"'''{content}{edge}'''")
            case "array":
                self.array(path, depth)
            case "inline":
                self.inline(path, depth)

    def array(self, path: Path, depth: int) -> None:
        self.put("[")
        count = self.draw(st.integers(0, 3))
        for number in range(count):
            self.space()
            self.keys[*path, number] = len(self.text)
            self.value((*path, number), depth + 1)
            self.space()
            if number < count - 1 or self.draw(st.booleans()):
                self.put(",")
        self.space()
        self.put("]")

    def space(self) -> None:
        """What may stand between the items of a list."""
        if self.draw(st.booleans()):
            self.put(self.draw(st.sampled_from((" ", "\t"))))
        elif self.draw(st.booleans()):
            self.line_end()

    def inline(self, path: Path, depth: int) -> None:
        self.put("{ ")
        used: set[str] = set()
        for number in range(self.draw(st.integers(0, 2))):
            if number:
                self.put(", ")
            self.pair(path, used, depth + 1)
        self.put(" }")

    def pair(self, table: Path, used: set[str], depth: int = 0) -> None:
        path = table
        parts = [self.name(used)]
        if self.draw(st.booleans()):
            parts.append("inner")
        for number, part in enumerate(parts):
            if number:
                self.put(self.draw(st.sampled_from((".", " . "))))
            path = (*path, part)
            self.keys[path] = len(self.text)
            self.key(part)
        self.put(self.draw(st.sampled_from((" = ", "=", "  =  "))))
        self.value(path, depth)

    def pairs(self, table: Path) -> None:
        used = {"sub", "items"}
        for _ in range(self.draw(st.integers(0, 3))):
            self.blank()
            self.put(self.draw(st.sampled_from(("", "  "))))
            self.pair(table, used)
            self.line_end()

    def header(self, path: Path, parts: tuple[str, ...], *, double: bool) -> None:
        self.blank()
        self.put(self.draw(st.sampled_from(("", "  "))))
        self.keys[path] = self.values[path] = len(self.text)
        self.put("[[" if double else "[")
        for number, part in enumerate(parts):
            if number:
                self.put(".")
            self.key(part)
        self.put("]]" if double else "]")
        self.line_end()


@st.composite
def documents(draw: DrawFn) -> Writer:
    writer = Writer(draw)
    writer.pairs(())
    for name in ("first", "se.cond"):
        if draw(st.booleans()):
            writer.header((name,), (name,), double=False)
            writer.pairs((name,))
            if draw(st.booleans()):
                writer.header((name, "sub"), (name, "sub"), double=False)
                writer.pairs((name, "sub"))
    for number in range(draw(st.integers(0, 3))):
        writer.header(("items", number), ("items",), double=True)
        writer.pairs(("items", number))
        for inner in range(draw(st.integers(0, 2))):
            writer.header(("items", number, "items", inner), ("items", "items"), double=True)
            writer.pairs(("items", number, "items", inner))
    if draw(st.booleans()):
        writer.text = writer.text.rstrip("\r\n")
    return writer
