"""The page for pipelines: its YAML is YAML, its scripts run, and every ``andon`` line in it is one that Andon takes."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from commands.app import Root
from gateway_policies.rendering.plan_markdown import LIMIT, MARK

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/policies/ci.md"
HOOKS = Path(os.environ.get("ANDON_SOURCE") or ROOT) / ".pre-commit-hooks.yaml"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def snippet(name: str) -> Any:
    (found,) = [each for each in blocks("yaml") if each.startswith(f"# {name}\n")]
    return yaml.safe_load(found)


def scripts() -> list[str]:
    github = [step["run"] for job in snippet(WORKFLOW)["jobs"].values() for step in job["steps"] if "run" in step]
    gitlab = [line for job in snippet(".gitlab-ci.yml").values() for line in job.get("script", ())]
    return [*github, *gitlab, *blocks("sh")]


def lines() -> Iterator[list[str]]:
    """Every command of Andon that the page and the hooks give."""
    text = PAGE.read_text(encoding="utf-8")
    inline = [each for each in re.findall(r"`(andon [^`]+)`", text) if not each.startswith("andon policy plan -->")]
    hooks = [each["entry"] for each in yaml.safe_load(HOOKS.read_text(encoding="utf-8"))]
    for script in [*scripts(), *inline, *hooks]:
        for line in script.splitlines():
            words = shlex.split(line.partition(">")[0]) if line.lstrip().startswith("andon") else []
            if words:
                yield words[1:]


WORKFLOW = ".github/workflows/policies.yml"


def parse(words: list[str]) -> str:
    """The command that a line leads to; raises as the command line does, and runs nothing."""
    command: Any = Root(lambda _session: 0)
    context = command.make_context("andon", words)
    while hasattr(command, "resolve_command"):
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        context = command.make_context(name, rest, parent=context)
    return str(context.command_path)


def test_every_andon_line_is_one_that_andon_takes() -> None:
    found = [parse(words) for words in lines()]
    assert len(found) >= 12
    assert {each.removeprefix("andon ") for each in found} == {
        f"policy {each}" for each in ("fmt", "validate", "lint", "plan", "apply", "drift")
    }


@pytest.mark.parametrize("wrong", ["policy lint --fromat github", "policy plan --format word", "policy pln"])
def test_what_andon_does_not_take_would_be_found(wrong: str) -> None:
    with pytest.raises(Exception, match=r"No such|not one of|Invalid"):
        parse(wrong.split())


def test_the_workflow_gives_no_secret_to_the_job_that_needs_none() -> None:
    workflow = snippet(WORKFLOW)
    assert workflow[True] == {"pull_request": {"paths": ["policies/**"]}}  # YAML 1.1 reads "on" as a truth
    assert workflow["permissions"] == {"contents": "read"}
    lint, plan = workflow["jobs"]["lint"], workflow["jobs"]["plan"]
    assert "secrets." not in json.dumps(lint)
    assert plan["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert "head.repo.full_name == github.repository" in plan["if"]


def test_the_scripts_are_scripts() -> None:
    for script in scripts():
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


STAND_IN = """#!{python}
import json, os, sys
with open(os.environ["ASKED"], "a") as file:
    file.write(json.dumps(sys.argv) + "\\n")
if not {{"--method", "--request"}} & set(sys.argv):
    print(os.environ["SAID"])
"""


@pytest.fixture
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``gh`` and ``curl`` that write down what they are asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("gh", "curl"):
        (folder / name).write_text(STAND_IN.format(python=sys.executable))
        (folder / name).chmod(0o755)
    (folder / "python").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    return tmp_path


def run(script: str, folder: Path, said: str, **more: str) -> list[str]:
    """What the last call of a script was."""
    environ = {**os.environ, "SAID": said, **more}
    subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=environ, check=True)
    found: list[str] = json.loads((folder / "asked").read_text().splitlines()[-1])
    return found


@pytest.mark.parametrize(
    ("said", "does"),
    [("", ["POST", "repos/o/r/issues/1/comments"]), ("7\n8", ["PATCH", "repos/o/r/issues/comments/8"])],
)
def test_the_comment_on_a_pull_request_takes_the_place_of_the_last(stand_ins: Path, said: str, does: list[str]) -> None:
    (script,) = [each for each in scripts() if "gh api" in each]
    assert MARK in script
    last = run(script, stand_ins, said, COMMENTS="repos/o/r/issues/1/comments", GITHUB_REPOSITORY="o/r")
    assert last[1:] == ["api", "--method", *does, "--field", "body=@plan.md"]


@pytest.mark.parametrize(
    ("said", "method", "address"),
    [
        ([], "POST", "https://x/projects/1/merge_requests/2/notes"),
        (
            [{"id": 5, "body": "I like it"}, {"id": 4, "body": f"{MARK}\n### x"}, {"id": 3, "body": f"{MARK}\n"}],
            "PUT",
            "https://x/projects/1/merge_requests/2/notes/4",
        ),
    ],
)
def test_so_does_the_note_on_a_merge_request(stand_ins: Path, said: Any, method: str, address: str) -> None:
    (script,) = [each for each in scripts() if "curl" in each]
    environ = {"CI_API_V4_URL": "https://x", "CI_PROJECT_ID": "1", "CI_MERGE_REQUEST_IID": "2", "GITLAB_TOKEN": "t"}
    last = run(script, stand_ins, json.dumps(said), **environ)
    assert last[last.index("--request") + 1] == method
    assert last[-1] == address
    assert "body@plan.md" in last


def test_the_page_says_the_size_that_a_comment_has() -> None:
    assert f"{LIMIT:,} characters" in PAGE.read_text(encoding="utf-8")


def test_the_hooks_of_the_page_are_there() -> None:
    hooks = {each["id"]: each for each in yaml.safe_load(HOOKS.read_text(encoding="utf-8"))}
    (repository,) = snippet(".pre-commit-config.yaml")["repos"]
    assert [each["id"] for each in repository["hooks"]] == list(hooks)
    for each in hooks.values():
        assert each["language"] == "python"
        assert each["pass_filenames"] is False
        assert re.search(each["files"], "policies/apis/orders.toml")
        assert not re.search(each["files"], "src/policies.py")
