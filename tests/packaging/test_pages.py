"""What README and docs show is there: commands, options, links, settings."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from hub.api.limits import RateLimit
from hub.api.sizes import Sizes
from hub.patience import Patience
from hub.settings import read_settings

PAGES = (
    "README.md",
    "docs/concepts.md",
    "docs/groups.md",
    "docs/hub.md",
    "docs/sign-in.md",
    "docs/limits.md",
    "docs/audit.md",
    "docs/reconciliation.md",
    "docs/outcomes.md",
    "docs/promises.md",
    "docs/policies/ci.md",
    "SECURITY.md",
)
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture(scope="module")
def root() -> Path:
    """Where the pages are: beside the tests, in a checkout and in CI."""
    return Path(__file__).parents[2]


def commands_in(text: str) -> list[list[str]]:
    """Every ``andon …`` line of the shell blocks, without its comment."""
    lines = [line for language, block in _BLOCK.findall(text) if language == "sh" for line in block.splitlines()]
    parts = [part for line in lines for part in re.split(r"&&|\|", line)]
    split = [shlex.split(part, comments=True) for part in parts if "andon" in part]
    return [words for words in split if words and Path(words[0]).name == "andon"]


def options_of(reference: str, words: list[str]) -> tuple[str, set[str]]:
    """The longest command that ``words`` begin with, and its options."""
    names = {"tx": "transactions"}
    path = ["andon"]
    for word in words[1:]:
        wanted = " ".join([*path, names.get(word, word)])
        if not re.search(rf"^#+ {re.escape(wanted)}$", reference, re.MULTILINE):
            break
        path = wanted.split()
    title = " ".join(path)
    section = re.split(rf"^#+ {re.escape(title)}$", reference, maxsplit=1, flags=re.MULTILINE)[1]
    anywhere = reference.split("## Exit codes")[0]
    own = re.split(r"^#+ andon", section, maxsplit=1, flags=re.MULTILINE)[0]
    return title, set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", own + anywhere))


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_option_on_a_page_exists(root: Path, page: str) -> None:
    reference = (root / "docs/reference/cli.md").read_text(encoding="utf-8")
    for words in commands_in((root / page).read_text(encoding="utf-8")):
        title, options = options_of(reference, words)
        assert title != "andon" or words == ["andon"], f"no such command: {' '.join(words)}"
        for word in words:
            if word.startswith("-"):
                assert word.partition("=")[0] in options, f"{title} has no option {word}"


def test_the_readme_shows_commands_at_all(root: Path) -> None:
    assert len(commands_in((root / "README.md").read_text(encoding="utf-8"))) >= 6


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(root: Path, page: str) -> None:
    for link in _LINK.findall((root / page).read_text(encoding="utf-8")):
        place, _, anchor = link.partition("#")
        if "://" in place:
            continue
        target = (root / page).parent / place
        assert target.exists(), link
        if anchor:
            titles = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {title.lower().replace(" ", "-") for title in titles}, link


def test_the_settings_on_the_page_can_be_served(root: Path, tmp_path: Path) -> None:
    blocks = _BLOCK.findall((root / "docs/hub.md").read_text(encoding="utf-8"))
    file = tmp_path / "hub.toml"
    read = []
    for example in (block for language, block in blocks if language == "toml"):
        file.write_text(example, encoding="utf-8")
        read.append(read_settings(file))
    issuers = [settings.issuer for settings in read if settings.issuer is not None]
    assert [issuer.typ for issuer in issuers] == ["at+jwt", "at+jwt", "JWT"]
    assert all(settings.url == "https://andon.plant.example" for settings in read if settings.issuer is not None)
    assert all(issuer.role_map for issuer in issuers)
    (settings,) = [settings for settings in read if settings.platform is not None]
    assert settings.platform == "plant-north"
    assert settings.catalogue.flow["lab-result"].targets == ["ERP"]
    assert settings.catalogue.system["LIMS"].lookup is None
    assert "material-consumption" in settings.catalogue.flow


def test_the_limits_on_the_page_are_those_of_the_hub(root: Path, tmp_path: Path) -> None:
    text = (root / "docs/limits.md").read_text(encoding="utf-8")
    (example,) = [block for language, block in _BLOCK.findall(text) if language == "toml"]
    file = tmp_path / "hub.toml"
    file.write_text(example, encoding="utf-8")
    caution = read_settings(file).caution
    assert caution.names == ("andon.plant.example",)
    assert (caution.rate, caution.sizes, caution.patience) == (RateLimit(), Sizes(), Patience())


def test_every_test_that_the_threat_model_names_is_there(root: Path) -> None:
    text = (root / "SECURITY.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(tests/[\w./]+)`", text))
    assert len(named) > 20
    assert [name for name in sorted(named) if not (root / name).exists()] == []
    files = {path.relative_to(root).as_posix() for path in (root / "tests/hardening").glob("test_*.py")}
    assert files - named <= {"tests/hardening/test_asking_again.py"}


def test_the_readme_has_the_two_commands(root: Path) -> None:
    text = (root / "README.md").read_text(encoding="utf-8")
    assert "python3 -m venv .venv && .venv/bin/pip install '.[hub]' && .venv/bin/andon demo" in text
    assert "python3 -m venv .venv && .venv/bin/pip install '.[hub,test]' && .venv/bin/pytest" in text
