"""Nothing outlives the engine: neither after Ctrl-C nor after a kill that it cannot see coming."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.engine

WAITS = "import pathlib, signal; {first}; pathlib.Path({started!r}).touch(); [signal.pause() for _ in iter(int, 1)]"
STUBBORN = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"


@pytest.fixture
def waiting_preview(
    pulumi: Callable[..., Any],
    engine_env: dict[str, str],
    make_project: Callable[..., Path],
    make_pack: Callable[..., Path],
    awaited: Callable[..., None],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Any:
    """A preview whose program has started, with a policy pack running, and waits for ever."""
    started = tmp_path / "started"
    project, pack = (
        make_project(WAITS.format(started=str(started), first=getattr(request, "param", "pass"))),
        make_pack("pass"),
    )
    pulumi("stack", "init", "dev", cwd=project).ok()
    command = ["pulumi", "preview", "--non-interactive", "--policy-pack", str(pack)]
    with subprocess.Popen(
        command, cwd=project, env=engine_env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as engine:
        awaited(lambda: started.exists() or engine.poll() is not None, "the program started")
        assert engine.poll() is None, "the engine ended before its program started"
        yield engine
        engine.kill()


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda one: one.name)
def test_no_process_is_left_when_the_engine_ends(
    waiting_preview: subprocess.Popen[bytes],
    processes: Callable[[], dict[int, str]],
    awaited: Callable[..., None],
    ended_by: signal.Signals,
) -> None:
    assert sum("pulumi-language-python-exec" in one for one in processes().values()) == 1

    os.kill(waiting_preview.pid, ended_by)

    waiting_preview.wait(timeout=60)
    awaited(lambda: not processes(), "every process is gone", seconds=30)


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
def test_the_language_host_ends_its_program_and_itself(
    waiting_preview: subprocess.Popen[bytes],
    processes: Callable[[], dict[int, str]],
    awaited: Callable[..., None],
    ended_by: signal.Signals,
) -> None:
    program = next(pid for pid, one in processes().items() if "pulumi-language-python-exec" in one)
    host = int(Path(f"/proc/{program}/stat").read_text().rpartition(")")[2].split()[1])

    os.kill(host, ended_by)

    awaited(lambda: not {host, program} & set(processes()), "host and program are gone", seconds=30)
    waiting_preview.wait(timeout=60)


@pytest.mark.parametrize("waiting_preview", [STUBBORN], indirect=True, ids=["ignores SIGTERM"])
def test_a_program_that_ignores_the_polite_signal_is_killed(
    waiting_preview: subprocess.Popen[bytes],
    processes: Callable[[], dict[int, str]],
    awaited: Callable[..., None],
) -> None:
    os.kill(waiting_preview.pid, signal.SIGINT)

    waiting_preview.wait(timeout=60)
    awaited(lambda: not processes(), "every process is gone", seconds=30)
