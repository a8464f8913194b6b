"""The pieces that every command is made of: lazy groups, and the options that may stand anywhere."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from commands.catalogue import BY_NAME, ENTRIES, help_text
from commands.exits import Usage
from commands.output import Form
from commands.session import Session

F = TypeVar("F", bound=Callable[..., Any])

EPILOG = "The options of 'andon --help' may stand here too."
HELP_NAMES = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def _remember(ctx: typer.Context, param: Any, value: Any) -> None:
    """Write a global option into the session; the last one on the line wins."""
    if isinstance(ctx.obj, Session) and value not in (None, False):
        setattr(ctx.obj.options, str(param.name), value)


def _version(ctx: typer.Context, _param: Any, value: Any) -> None:
    if value and not ctx.resilient_parsing:
        from commands.version import version_line

        typer.echo(version_line())
        raise typer.Exit


def _complete_context(_ctx: typer.Context, _args: list[str], incomplete: str) -> list[str]:
    from commands.completing import contexts

    return contexts(incomplete)


def _complete_form(_ctx: typer.Context, _args: list[str], incomplete: str) -> list[str]:
    return [form for form in Form if form.startswith(incomplete)]


class Unlisted(TyperOption):
    """An option that works and completes, and is left out of the help that it would only make longer."""

    def get_help_record(self, ctx: Any) -> tuple[str, str] | None:
        """Nothing."""
        return None


def global_options(*, hidden: bool) -> list[TyperOption]:
    """The global options, for a group or a command to take as its own."""

    def option(*names: str, flag: bool = False, **more: Any) -> TyperOption:
        if flag:
            more |= {"is_flag": True, "default": False}
        more.setdefault("callback", _remember)
        kind = Unlisted if hidden else TyperOption
        return kind(param_decls=list(names), expose_value=False, **more)

    return [
        option("--context", metavar="NAME", autocompletion=_complete_context, help="The context to work on."),
        option("--url", metavar="URL", help="The platform to work on, by address."),
        option(
            "--output",
            "-o",
            metavar="FORMAT",
            autocompletion=_complete_form,
            help="table, json, jsonl, csv, yaml or id.",
        ),
        option("--no-color", flag=True, help="No colours."),
        option("--quiet", "-q", flag=True, help="No progress and no notes."),
        option("--verbose", "-v", flag=True, help="Say on stderr which platform is asked what."),
        option("--read-only", flag=True, help="Refuse everything that changes something."),
        option("--version", flag=True, is_eager=True, callback=_version, help="Print the version."),
    ]


def _readable(param: Any, value: Any) -> None:
    """Refuse a text that is none; a file's name may be any bytes, and so it may also where a file can be meant."""
    if str(param.metavar).startswith("FILE"):
        return
    for text in value if isinstance(value, list | tuple) else [value]:
        if isinstance(text, str) and any("\ud800" <= char <= "\udfff" for char in text):
            raise Usage(
                f"{text!r} is not text in this terminal's encoding. Nothing was done. "
                "Type it again, or set the locale to UTF-8: export LC_ALL=C.UTF-8"
            )


_ABOUT = {"--plant", "--flow", "--target", "--source", "--filter", "--status", "--limit", "--reason", "--by"}
"""What a command is about, and why. Of how it is done the last word counts, so that a script can be given others."""


def _check_once(param: Any) -> None:
    """Whether an option may be given several times.

    Raises:
        Usage: it takes one value, and says what the command is about.
    """
    name = max(param.opts, key=len)
    if name not in _ABOUT or param.is_flag or param.multiple or param.count:
        return
    raise Usage(f"{name} was given more than once, and takes one value. Nothing was done. Give it once.")


class Leaf(TyperCommand):
    """A command that also takes the global options."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(global_options(hidden=True))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the line. What takes one value and was given two would be about the last of them in silence."""
        if not ctx.resilient_parsing:
            _, _, order = self.make_parser(ctx).parse_args(args=list(args))
            for param in dict.fromkeys(order):
                if param.param_type_name == "option" and param.expose_value and order.count(param) > 1:
                    _check_once(param)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run it, once the form of output is known to be one: a typing error there must not cost an action."""
        if isinstance(ctx.obj, Session):
            _ = ctx.obj.form
        for param in self.params:
            _readable(param, ctx.params.get(str(param.name)))
        return super().invoke(ctx)


class Branch(TyperGroup):
    """A group that also takes the global options."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.params.extend(global_options(hidden=True))


class Noun(typer.Typer):
    """The commands of one noun."""

    def __init__(self, help: str | None = None) -> None:
        super().__init__(
            cls=Branch,
            help=help,
            rich_markup_mode=None,
            add_completion=False,
            pretty_exceptions_enable=False,
            context_settings=HELP_NAMES,
        )

    def verb(self, name: str | None = None, *, hidden: bool = False) -> Callable[[F], F]:
        """Register a command of this noun; it takes the global options too."""
        return self.command(name, cls=Leaf, context_settings=HELP_NAMES, epilog=EPILOG, hidden=hidden)


class Word(Noun):
    """A word that is a command itself, with nothing below it."""


class Root(TyperGroup):
    """``andon`` itself: knows the words after it from a table, and imports a command when it is called."""

    loaded: ClassVar[dict[str, Any]] = {}

    def __init__(self, console: Callable[[Session], int]) -> None:
        super().__init__(
            name="andon",
            rich_markup_mode=None,
            invoke_without_command=True,
            callback=None,
            context_settings=HELP_NAMES,
        )
        self.params.extend(global_options(hidden=False))
        self._console = console

    def list_commands(self, ctx: Any) -> list[str]:
        """Every word, in the table's order."""
        return [entry.name for entry in ENTRIES]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command or group of that word, imported now."""
        entry = BY_NAME.get(cmd_name)
        if entry is None:
            return None
        if entry.module not in self.loaded:
            app = importlib.import_module(f"commands.{entry.module}").app
            # Typer would make a plain command of a noun that has one verb.
            make = typer.main.get_command if isinstance(app, Word) else typer.main.get_group
            self.loaded[entry.module] = make(app)
        return self.loaded[entry.module]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """From the table; importing every command for a line of each would take ten times as long."""
        formatter.write(help_text())

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Words from the table, then options."""
        from typer._click.shell_completion import CompletionItem

        words = [CompletionItem(entry.name, help=entry.help) for entry in ENTRIES if entry.name.startswith(incomplete)]
        return words or super(TyperGroup, self).shell_complete(ctx, incomplete)

    def invoke(self, ctx: Any) -> Any:
        """A command, or the console where there is none."""
        if ctx._protected_args:
            return super().invoke(ctx)
        return self._console(ctx.obj)
