"""A plugin ends with the engine that started it, even where the signal of its death is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("libvirt")

from quietcore.lab.processes import Process, await_condition

PLUGIN = Path(__file__).resolve().parents[3] / "plugins" / "pulumi-libvirt" / "pulumi-resource-libvirt"
ENGINE = """
import signal, subprocess, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {blocked})
plugin = subprocess.Popen([sys.argv[1], "127.0.0.1:1"], stdout=subprocess.PIPE)
plugin.stdout.readline()
print(plugin.pid, flush=True)
plugin.wait()
"""


@pytest.mark.parametrize("blocked", ["[]", "[signal.SIGUSR1]"], ids=["told", "not told"])
def test_a_plugin_whose_engine_was_killed_ends(blocked):
    engine = subprocess.Popen(
        [sys.executable, "-c", ENGINE.format(blocked=blocked), str(PLUGIN)], stdout=subprocess.PIPE, text=True
    )
    assert engine.stdout is not None
    pid = int(engine.stdout.readline())
    plugin = Process.of(pid)
    assert plugin is not None
    engine.kill()
    engine.wait()
    try:
        assert await_condition(lambda: not plugin.alive, seconds=30)
    finally:
        if plugin.alive:
            os.kill(pid, 9)
