"""What an interrupted update left in a stack's state, and how to get out of it.

An engine that was killed leaves its lock and, for a resource that was being made, a pending operation. The next `up`
adopts what bears the mark of the stack; the pending entry itself goes with the refresh only.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from quietcore.cli.condition import Condition, Group
from quietcore.cli.project import Project
from quietcore.cli.versions import engine_path

SECONDS: Final = 60.0

RECOVERY: Final = (
    "pulumi cancel -y --stack {stack}",
    "pulumi up -y --stack {stack}",
    "pulumi refresh -y --skip-preview --clear-pending-creates --stack {stack}",
)


class NoAnswer(Exception):
    """The engine did not give what was asked; the text is its reason."""


def stack_conditions(project: Project, stack: str) -> Iterator[Condition]:
    """The stack's lock and its pending operations."""
    group = Group(f"stack {stack}")
    try:
        backend = str(json.loads(_pulumi(project, "whoami", "--verbose", "--json")).get("url", ""))
        state = json.loads(_pulumi(project, "stack", "export", "--stack", stack))
    except (NoAnswer, json.JSONDecodeError) as fault:
        yield group.skipped("state", str(fault))
        return
    resources = len(deployment(state).get("resources") or [])
    yield group.ok("state", f"{resources} resources in {backend}")
    yield lock_condition(group, locks(backend, project.name, stack), stack)
    yield pending_condition(group, state, stack)


def pending_condition(group: Group, state: Mapping[str, Any], stack: str) -> Condition:
    """The operations that an engine began and nobody finished."""
    pending = deployment(state).get("pending_operations") or []
    if not pending:
        return group.ok("pending operations", "none")
    told = ", ".join(f"{entry.get('type')} {_name(entry)}" for entry in pending)
    return group.failed("pending operations", told, *(line.format(stack=stack) for line in RECOVERY))


def lock_condition(group: Group, held: list[dict[str, Any]] | None, stack: str) -> Condition:
    """The lock of a file backend; `held` is None for other backends, whose locks end by themselves or by `cancel`."""
    name = "lock"
    if held is None:
        return group.skipped(name, "kept by the backend, not in a file")
    if not held:
        return group.ok(name, "free")
    told = "; ".join(
        f"process {lock.get('pid')} on {lock.get('hostname')} since {lock.get('timestamp')}" for lock in held
    )
    stale = [lock for lock in held if _is_gone(lock)]
    if len(stale) == len(held):
        return group.failed(name, f"{told}: that process is gone", f"pulumi cancel -y --stack {stack}")
    return group.skipped(name, f"an update is running: {told}")


def locks(backend: str, project: str, stack: str) -> list[dict[str, Any]] | None:
    """The locks on a stack in a file backend; None where the backend is none."""
    address = urlsplit(backend)
    if address.scheme != "file":
        return None
    folder = Path(unquote(address.path)).expanduser() / ".pulumi/locks/organization" / project / stack
    return [_lock(file) for file in sorted(folder.glob("*.json"))]


def deployment(state: Mapping[str, Any]) -> Mapping[str, Any]:
    """The deployment within an exported state."""
    found = state.get("deployment")
    return found if isinstance(found, dict) else {}


def _lock(file: Path) -> dict[str, Any]:
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return {"hostname": "?", "pid": "?", "timestamp": "?"}
    return held if isinstance(held, dict) else {}


def _is_gone(lock: Mapping[str, Any]) -> bool:
    """Whether the lock's process ran on this machine and runs no more."""
    if lock.get("hostname") != os.uname().nodename or not isinstance(lock.get("pid"), int):
        return False
    return not Path(f"/proc/{lock['pid']}").exists()


def _name(entry: Mapping[str, Any]) -> str:
    resource = entry.get("resource") or {}
    urn = str(resource.get("urn", "?"))
    return f"{urn.split('::')[-2].split('$')[-1]} {urn.split('::')[-1]}" if urn.count("::") >= 3 else urn


def _pulumi(project: Project, *arguments: str) -> str:
    engine = engine_path()
    if engine is None:
        raise NoAnswer("the Pulumi CLI is not installed")
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run(
            [str(engine), *arguments, "--non-interactive", "--color", "never"],
            cwd=project.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoAnswer(f"`pulumi {arguments[0]}` did not end within {SECONDS:.0f} s") from None
    if done.returncode:
        said = [line for line in done.stderr.strip().splitlines() if line]
        raise NoAnswer(_plain(said[0]) if said else f"`pulumi {arguments[0]}` failed")
    return done.stdout


def _plain(said: str) -> str:
    if "PULUMI_ACCESS_TOKEN" in said:
        return "no backend is chosen: pulumi login --local, or PULUMI_BACKEND_URL"
    return said.removeprefix("error: ")
