"""The CI files of the documentation: valid by their schemas, and their lines do what the page says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

CI = Path(__file__).resolve().parents[2] / "docs/how-to/ci"
GITHUB = yaml.safe_load((CI / "github.yml").read_text(encoding="utf-8"))
GITLAB = yaml.safe_load((CI / "gitlab.yml").read_text(encoding="utf-8"))["gate"]
STEPS = {step["name"]: step for step in GITHUB["jobs"]["gate"]["steps"] if "name" in step}
PROGRAM = 'hv1 = host()\nnode("plc-a", hv1)\n'


@pytest.mark.parametrize(
    ("file", "schema"), [("github.yml", "vendor.github-workflows"), ("gitlab.yml", "vendor.gitlab-ci")]
)
def test_the_file_is_valid_by_its_schema(file: str, schema: str) -> None:
    pytest.importorskip("check_jsonschema")
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(CI / file)]
    checked = subprocess.run(words, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def shell(lines: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run lines as both systems do: a shell that stops at the first failure."""
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", lines], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )


@pytest.fixture
def job(project: Any, engine_env: dict[str, str]) -> tuple[Path, dict[str, str]]:
    """A project with its assignments, and the variables of both jobs."""
    env = {**engine_env, **GITLAB["variables"], "CI": "true"}
    project.write(PROGRAM)
    assigned = {**engine_env}
    subprocess.run(["quietcore", "check", "dev"], cwd=project.folder, env=assigned, check=True, capture_output=True)
    return project.folder, env


@pytest.mark.engine
@pytest.mark.parametrize("lines", [STEPS["Gate"]["run"], "\n".join(GITLAB["script"])], ids=["github", "gitlab"])
def test_the_gates_lines_pass_what_is_clean_and_refuse_what_is_not(
    job: tuple[Path, dict[str, str]], project: Any, lines: str
) -> None:
    folder, env = job
    done = shell(lines, folder, env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {"gate.sarif", "gate.xml", "gate.md"} <= {file.name for file in folder.iterdir()}
    project.write('hv1 = host()\nnode("plc-a", hv1, pins={0: 1, 1: 2, 2: 1})\n')
    done = shell(lines, folder, env)
    assert done.returncode == 1
    assert "refused" in (folder / "gate.md").read_text()


def test_both_files_judge_the_same_way() -> None:
    env = GITHUB["jobs"]["gate"]["env"]
    assert {name: env[name] for name in GITLAB["variables"]} == GITLAB["variables"]
    words = [set(lines.splitlines()[-1].split()) for lines in (STEPS["Gate"]["run"], "\n".join(GITLAB["script"]))]
    assert words[0] == words[1]


def test_the_summary_is_the_comment(tmp_path: Path) -> None:
    (tmp_path / "gate.md").write_text("# it\n")
    shell(STEPS["Summary"]["run"], tmp_path, {**os.environ, "GITHUB_STEP_SUMMARY": "summary.md"})
    assert (tmp_path / "summary.md").read_text() == "# it\n"


@pytest.mark.parametrize("known", ["", "17"])
def test_github_comments_once_and_then_writes_it_anew(tmp_path: Path, known: str) -> None:
    """`gh` stands in here, as it needs GitHub: it tells how it is asked."""
    (tmp_path / "gate.md").write_text("<!-- quietcore gate dev -->\ntext\n")
    gh = tmp_path / "gh"
    gh.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> asked\ncase "$*" in *--jq*) echo "{known}";; esac\n')
    gh.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "GITHUB_REPOSITORY": "us/plant", "NUMBER": "5"}
    done = shell(STEPS["Comment"]["run"], tmp_path, env)
    assert done.returncode == 0, done.stderr
    looked, wrote = (tmp_path / "asked").read_text().splitlines()
    assert 'startswith("<!-- quietcore gate dev -->")' in looked
    target = (
        f"--method PATCH repos/us/plant/issues/comments/{known}" if known else "--method POST repos/us/plant/issues/5/"
    )
    assert target in wrote
    assert "body=@gate.md" in wrote


class Notes(BaseHTTPRequestHandler):
    """As much of GitLab's notes as the job asks for."""

    notes: list[dict[str, Any]]
    asked: list[tuple[str, str, str]]

    def do_GET(self) -> None:
        self._answer(json.dumps(self.notes).encode())

    def do_POST(self) -> None:
        self._written()

    def do_PUT(self) -> None:
        self._written()

    def _written(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.asked.append((self.command, urlsplit(self.path).path, body))
        self._answer(b"{}")

    def _answer(self, text: bytes) -> None:
        assert self.headers["PRIVATE-TOKEN"] == "t"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_words: Any) -> None:
        """Say nothing."""


@pytest.fixture
def gitlab() -> Iterator[tuple[type[Notes], str]]:
    notes = type("TheseNotes", (Notes,), {"notes": [{"id": 3, "body": "other"}], "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), notes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield notes, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("known", [False, True])
def test_gitlab_comments_once_and_then_writes_it_anew(
    tmp_path: Path, gitlab: tuple[type[Notes], str], known: bool
) -> None:
    notes, url = gitlab
    text = "<!-- quietcore gate dev -->\n@ < & text; ünd\n"
    (tmp_path / "gate.md").write_text(text, encoding="utf-8")
    if known:
        notes.notes.append({"id": 9, "body": "<!-- quietcore gate dev -->\nolder"})
    names = {"CI_API_V4_URL": url, "CI_PROJECT_ID": "1", "CI_MERGE_REQUEST_IID": "5", "GATE_TOKEN": "t"}
    done = shell("\n".join(GITLAB["after_script"]), tmp_path, {**os.environ, "no_proxy": "*", **names})
    assert done.returncode == 0, done.stderr
    ((how, where, body),) = notes.asked
    assert (how, where) == (
        ("PUT" if known else "POST"),
        "/projects/1/merge_requests/5/notes" + ("/9" if known else ""),
    )
    assert text in body.replace("\r\n", "\n")
