from __future__ import annotations

from pathlib import Path

import pytest

from platforms.context_file import Context, ContextFile, config_folder, data_folder, load, save
from platforms.contexts import Choice, Found, Resolved, SignedIn, resolve
from platforms.errors import ContextError
from platforms.origins import Address


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"ANDON_CONFIG_DIR": str(tmp_path / "config"), "ANDON_DATA_DIR": str(tmp_path / "data")}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "repo" / "deep" / "down"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def contexts(environ: dict[str, str]) -> ContextFile:
    both = ContextFile(
        current="staging",
        context={
            "staging": Context(url="https://staging.example.com"),
            "production": Context(url="https://prod.example.com", production=True, read_only=True, colour="red"),
        },
    )
    save(config_folder(environ), both)
    return both


def ask(environ: dict[str, str], work: Path, signed_in: SignedIn | None = None, **choice: object) -> Resolved:
    return resolve(Choice(**choice), environ, work, signed_in)  # type: ignore[arg-type]


def project(work: Path, text: str) -> Path:
    path = work.parent.parent / ".andon.toml"
    path.write_text(text)
    return path


def test_without_anything_it_is_a_hub_on_this_machine(environ: dict[str, str], work: Path) -> None:
    resolved = ask(environ, work)
    assert (resolved.name, resolved.url, resolved.chosen_by) == ("local", "http://127.0.0.1:8470", "the default")
    assert resolved.token is None
    assert "bootstrap.token" in resolved.token_from


def test_a_local_hub_leaves_its_token_in_its_folder(environ: dict[str, str], work: Path) -> None:
    data_folder(environ).mkdir()
    (data_folder(environ) / "bootstrap.token").write_text("boot\n")
    assert ask(environ, work).token == "boot"
    assert ask(environ, work, url="http://localhost:1").token == "boot"


def test_a_local_hub_says_where_it_answers(environ: dict[str, str], work: Path) -> None:
    folder = data_folder(environ)
    folder.mkdir()
    (folder / "runtime.json").write_text('{"platform": "here", "systems": {}, "url": "http://127.0.0.1:18470"}')
    (folder / "bootstrap.token").write_text("boot\n")
    resolved = ask(environ, work)
    assert (resolved.name, resolved.url, resolved.token) == ("local", "http://127.0.0.1:18470", "boot")
    assert resolved.chosen_by == str(folder / "runtime.json")
    assert ask(environ, work, url="http://localhost:18470").token == "boot"


def test_a_local_hub_without_a_bootstrap_token_says_why_there_is_none(environ: dict[str, str], work: Path) -> None:
    folder = data_folder(environ)
    folder.mkdir()
    (folder / "runtime.json").write_text('{"url": "http://127.0.0.1:18470"}')
    resolved = ask(environ, work)
    assert resolved.token is None
    assert "takes away once it has an admin or an identity provider" in resolved.token_from


def test_its_token_goes_to_no_other_port(environ: dict[str, str], work: Path) -> None:
    folder = data_folder(environ)
    folder.mkdir()
    (folder / "runtime.json").write_text('{"url": "http://127.0.0.1:18470"}')
    (folder / "bootstrap.token").write_text("boot\n")
    resolved = ask(environ, work, url="http://127.0.0.1:8470")
    assert resolved.token is None
    assert "is for the hub at http://127.0.0.1:18470" in resolved.token_from


@pytest.mark.parametrize("text", ["", "{}", '{"url": 1}', "\xff"])
def test_a_broken_runtime_file_is_named(environ: dict[str, str], work: Path, text: str) -> None:
    data_folder(environ).mkdir()
    (data_folder(environ) / "runtime.json").write_text(text, encoding="latin-1")
    with pytest.raises(ContextError, match=r"runtime\.json cannot be used.*Start that hub again"):
        ask(environ, work)


def test_that_token_goes_to_no_other_machine(environ: dict[str, str], work: Path) -> None:
    data_folder(environ).mkdir()
    (data_folder(environ) / "bootstrap.token").write_text("boot\n")
    assert ask(environ, work, url="http://10.0.0.1:8470").token is None


@pytest.mark.usefixtures("contexts")
def test_the_nearest_choice_wins(environ: dict[str, str], work: Path) -> None:
    assert ask(environ, work).name == "staging"
    path = project(work, 'context = "production"\n')
    assert ask(environ, work).name == "production"
    assert ask(environ, work).chosen_by == str(path)
    environ["ANDON_CONTEXT"] = "staging"
    assert ask(environ, work).chosen_by == "ANDON_CONTEXT"
    environ["ANDON_URL"] = "http://127.0.0.1:99"
    assert ask(environ, work).url == "http://127.0.0.1:99"
    assert ask(environ, work, context="production").url == "https://prod.example.com"
    assert ask(environ, work, url="http://127.0.0.1:98").name == "127.0.0.1:98"


@pytest.mark.usefixtures("contexts")
def test_a_context_brings_its_settings(environ: dict[str, str], work: Path) -> None:
    resolved = ask(environ, work, context="production")
    assert (resolved.production, resolved.read_only, resolved.colour) == (True, True, "red")
    assert ask(environ, work, context="staging", read_only=True).read_only


def test_address_and_name_at_once_are_refused(environ: dict[str, str], work: Path) -> None:
    with pytest.raises(ContextError, match="--url and --context"):
        ask(environ, work, context="a", url="http://b")


def test_with_url_and_token_no_file_is_looked_at(environ: dict[str, str], work: Path) -> None:
    config_folder(environ).mkdir()
    (config_folder(environ) / "contexts.toml").write_text("broken")
    project(work, "broken too")
    environ |= {"ANDON_URL": "http://127.0.0.1:1", "ANDON_TOKEN": " t\n"}

    def stored(_address: Address, _context: Context) -> Found | None:
        pytest.fail("stored sign-ins were looked up")

    assert ask(environ, work, stored).token == "t"


@pytest.mark.usefixtures("contexts")
def test_a_cloned_repository_cannot_redirect_the_token(environ: dict[str, str], work: Path) -> None:
    environ["ANDON_TOKEN"] = "for-staging"
    assert ask(environ, work).token == "for-staging"
    project(work, 'context = "production"\n')
    resolved = ask(environ, work)
    assert resolved.name == "production"
    assert resolved.token is None
    assert "belongs to https://staging.example.com:443" in resolved.token_from
    assert "for-staging" not in repr(resolved)


@pytest.mark.usefixtures("contexts")
def test_a_token_for_one_address_is_not_sent_to_another(environ: dict[str, str], work: Path) -> None:
    environ |= {"ANDON_URL": "http://127.0.0.1:1", "ANDON_TOKEN": "t"}
    assert ask(environ, work, context="staging").token is None
    assert ask(environ, work, url="http://127.0.0.1:1/").token == "t"
    assert ask(environ, work, url="http://127.0.0.1:2").token is None


@pytest.mark.usefixtures("contexts")
def test_what_somebody_names_on_the_line_gets_the_token(environ: dict[str, str], work: Path) -> None:
    environ["ANDON_TOKEN"] = "t"
    assert ask(environ, work, context="production").token == "t"


@pytest.mark.usefixtures("contexts")
def test_a_stored_sign_in_is_looked_up_by_address_and_context(environ: dict[str, str], work: Path) -> None:
    def stored(address: Address, context: Context) -> Found | None:
        assert address.url == context.url
        found = Found(token="p", token_from="the keyring", warning="loud")
        return found if address.origin == "https://prod.example.com:443" else None

    resolved = ask(environ, work, stored, context="production")
    assert (resolved.token, resolved.token_from, resolved.warning) == ("p", "the keyring", "loud")
    assert resolved.signed_in
    assert resolved.named
    resolved = ask(environ, work, stored, context="staging")
    assert not resolved.signed_in
    assert "'andon login'" in resolved.token_from


def test_who_has_signed_in_goes_before_the_bootstrap_token_of_this_machine(environ: dict[str, str], work: Path) -> None:
    data_folder(environ).mkdir()
    (data_folder(environ) / "bootstrap.token").write_text("boot\n")
    assert ask(environ, work, lambda _address, _context: Found(token="mine", token_from="the keyring")).token == "mine"
    # A sign-in that cannot be read does not make somebody the admin instead.
    assert ask(environ, work, lambda _address, _context: Found(token_from="it is locked")).token is None
    assert ask(environ, work, lambda _address, _context: None).token == "boot"


@pytest.mark.parametrize(
    "text", ['context = "x"\nurl = "http://evil"', 'url = "http://evil"', "context = 3", "not toml", "\x80"]
)
def test_a_projects_file_may_name_a_context_and_nothing_else(environ: dict[str, str], work: Path, text: str) -> None:
    path = project(work, text)
    with pytest.raises(ContextError, match="may name one of your contexts and say nothing else") as caught:
        ask(environ, work)
    assert str(path) in caught.value.detail


@pytest.mark.usefixtures("contexts")
def test_an_unknown_name_says_who_named_it_and_what_is_near(environ: dict[str, str], work: Path) -> None:
    with pytest.raises(ContextError, match="--context names the context 'prodction'") as caught:
        ask(environ, work, context="prodction")
    assert "Did you mean production?" in caught.value.detail


def test_what_was_saved_is_loaded(environ: dict[str, str], contexts: ContextFile) -> None:
    assert load(config_folder(environ)) == contexts
    assert [path.name for path in config_folder(environ).iterdir()] == ["contexts.toml"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("= 1", "not valid TOML"),
        ("[context.a]\nurl = 1", r"Expected `str`, got `int` - at `\$.context\[...\].url`"),
        ("[context.a]\nplatform = 'hub'", "required field `url`"),
        ("[context.a]\nurl = 'http://x'\ntoken = 't'", "unknown field `token`"),
        ("[context.a]\nurl = 'x'", "context.a.url is not an address"),
        ("[context.a]\nurl = 'http://x'\nplatform = 'kafka'", "Invalid enum value 'kafka'"),
        ("current = 'b'\n[context.a]\nurl = 'http://x'", "current names the context 'b'"),
        ("\x00", "not valid TOML"),
    ],
)
def test_a_broken_file_says_what_is_wrong_with_it(environ: dict[str, str], text: str, says: str) -> None:
    config_folder(environ).mkdir()
    (config_folder(environ) / "contexts.toml").write_text(text)
    with pytest.raises(ContextError, match=says) as caught:
        load(config_folder(environ))
    assert "contexts.toml" in caught.value.detail


def test_a_folder_that_cannot_be_written_to_keeps_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ContextError, match="cannot be written to"):
        save(tmp_path / "file", ContextFile())
    assert (tmp_path / "file").read_text() == "in the way"


def test_an_unreadable_file_says_so(environ: dict[str, str]) -> None:
    (config_folder(environ) / "contexts.toml").mkdir(parents=True)
    with pytest.raises(ContextError, match="cannot be read"):
        load(config_folder(environ))


def test_the_folders_have_a_place_of_their_own_when_nobody_names_one() -> None:
    assert config_folder({}).name == "andon"
    assert data_folder({}).name == "andon"


@pytest.mark.parametrize(
    ("url", "token", "loud"),
    [
        ("http://hub.example.com", "t", True),
        ("http://192.0.2.7:8470", "t", True),
        ("https://hub.example.com", "t", False),
        ("http://127.0.0.1:8470", "t", False),
        ("http://localhost:8470", "t", False),
        ("http://hub.example.com", None, False),
    ],
)
def test_a_token_in_clear_text_is_said_loudly(
    environ: dict[str, str], work: Path, url: str, token: str | None, loud: bool
) -> None:
    environ |= {} if token is None else {"ANDON_TOKEN": token}
    said = ask(environ, work, url=url).in_clear
    assert (said is not None) is loud
    if said is not None:
        assert f"{url} is plain HTTP" in said
        assert "Put the platform behind https" in said
