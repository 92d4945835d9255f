"""What programs and plugins print arrives whole: every byte, in order."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.engine

# 20 characters of 1 to 4 bytes: chunks of any size that is a power of two cut some of them.
WORDS = "aé€😀 "
LINES = 1 << 16


def test_a_megabyte_of_a_program_reaches_the_user_unbroken(
    pulumi: Callable[..., Any], make_project: Callable[..., Path], tmp_path: Path
) -> None:
    project = make_project(
        f"import sys\nfor n in range(20000): print(n, {WORDS * 4!r})\nsys.stdout.write('the end, without a newline é')"
    )
    log = tmp_path / "events.json"
    pulumi("stack", "init", "dev", cwd=project).ok()

    pulumi("preview", "--event-log", str(log), cwd=project, env={"PULUMI_DEBUG_COMMANDS": "true"}).ok()

    # The engine drops white space at line ends.
    expected = [f"{n} {WORDS * 4}".rstrip() for n in range(20000)] + ["the end, without a newline é"]
    assert "".join(program_output(log)).split() == " ".join(expected).split()


def program_output(log: Path) -> Iterator[str]:
    """What the program printed, as the engine's events say it, in order."""
    for line in log.read_text().splitlines():
        event = json.loads(line)
        if event.get("diagnosticEvent", {}).get("severity") == "info":
            yield event["diagnosticEvent"]["message"].replace("<{%reset%}>", "")


def test_a_plugins_streams_arrive_byte_for_byte_with_its_exit_code(engine_path: str, tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text(
        f"import sys, threading\nblock = {WORDS!r}.encode() * {LINES}\n"
        "two = [threading.Thread(target=stream.buffer.write, args=(block,)) for stream in (sys.stdout, sys.stderr)]\n"
        "[one.start() for one in two]; [one.join() for one in two]; sys.stdout.flush()\n"
        "sys.exit(int(sys.argv[1]))\n"
    )

    stdout, stderr, code = run_plugin(engine_path, tmp_path, ["9"])

    assert stdout == stderr == WORDS.encode() * LINES
    assert code == 9


def test_what_a_pack_prints_before_it_serves_is_not_swallowed(engine_path: str, tmp_path: Path) -> None:
    pytest.importorskip("pulumi_policy", reason="the extra `policy` is not installed")
    (tmp_path / "__main__.py").write_text("print('first, a word é'); raise SystemExit(5)")

    stdout, _, code = run_plugin(engine_path, tmp_path, ["127.0.0.1:1"], kind="analyzer")

    port, _, rest = stdout.partition(b"\n")
    assert port.isdigit()
    assert rest.decode() == "first, a word é\n"
    assert code == 5


def run_plugin(
    engine_path: str, folder: Path, arguments: list[str], kind: str = "resource"
) -> tuple[bytes, bytes, int]:
    """Ask a language host to run the plugin in folder, as the engine would."""
    import grpc
    from google.protobuf import struct_pb2
    from pulumi.runtime.proto import language_pb2, language_pb2_grpc

    options = struct_pb2.Struct()
    options.update({"virtualenv": sys.prefix})
    info = language_pb2.ProgramInfo(
        root_directory=str(folder), program_directory=str(folder), entry_point=".", options=options
    )
    request = language_pb2.RunPluginRequest(pwd=str(folder), args=arguments, info=info, kind=kind)
    stdout, stderr, code = b"", b"", 0
    with language_host(engine_path) as port, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        for response in language_pb2_grpc.LanguageRuntimeStub(channel).RunPlugin(request):
            stdout, stderr = stdout + response.stdout, stderr + response.stderr
            code = response.exitcode or code
            if kind == "analyzer" and response.stdout:
                start_pack(int(response.stdout))
                kind = "started"
    return stdout, stderr, code


def start_pack(port: int) -> None:
    """Give the pack's proxy the first call after the start, without waiting for its answer."""
    import grpc
    from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        analyzer_pb2_grpc.AnalyzerStub(channel).ConfigureStack(analyzer_pb2.AnalyzerStackConfigureRequest(stack="dev"))


@contextmanager
def language_host(engine_path: str) -> Iterator[int]:
    """Run a language host and yield its port."""
    program = shutil.which("pulumi-language-python", path=engine_path)
    if program is None:
        pytest.skip("no pulumi-language-python beside the engine")
    host = subprocess.Popen([program, "127.0.0.1:1"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    assert host.stdout is not None
    try:
        yield int(host.stdout.readline())
    finally:
        host.terminate()
        host.wait(timeout=60)
