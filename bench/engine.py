"""The real engine in an environment of its own: state, plugins and packs in a folder that goes away."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.sample import Sample, run

ROOT = Path(__file__).resolve().parents[1]
PLUGINS = {"ours": ROOT / "plugins" / "pulumi-libvirt", "echo": ROOT / "bench" / "echo"}
STACK = "bench"


class NoEngine(Exception):
    """There is no Pulumi CLI to measure with."""


def environment(folder: Path) -> dict[str, str]:
    """Environment variables for the engine, with everything that it keeps under ``folder``. Raises NoEngine."""
    backend = folder / "backend"
    backend.mkdir(exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    return {
        **inherited,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), _engine(), os.environ.get("PATH", os.defpath)]),
        "PULUMI_HOME": str(folder / "pulumi-home"),
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "QUIETCORE_PYTHON": sys.executable,
        "NO_COLOR": "1",
    }


def _engine() -> str:
    """The folder of the CLI: of the one on PATH, else of the one that the project built."""
    found = shutil.which("pulumi")
    if found:
        return str(Path(found).parent)
    bootstrap = [sys.executable, str(ROOT / "toolchain" / "bootstrap.py"), "path"]
    asked = subprocess.run(bootstrap, capture_output=True, text=True, check=False)
    if asked.returncode != 0 or not asked.stdout.strip():
        raise NoEngine(asked.stderr.strip() or "no Pulumi engine; `make tools` builds it")
    return asked.stdout.strip()


class Project:
    """A Pulumi project in a folder, served by the plugin ``ours`` or ``echo``."""

    def __init__(self, folder: Path, plugin: str) -> None:
        self.folder = folder
        self.env = environment(folder)
        settings = {
            "name": "bench",
            "runtime": {"name": "python", "options": {"virtualenv": sys.prefix}},
            "plugins": {"providers": [{"name": "libvirt", "path": str(PLUGINS[plugin])}]},
        }
        (folder / "Pulumi.yaml").write_text(json.dumps(settings))
        self._pulumi("stack", "init", STACK)

    def preview(self, *options: str) -> Sample:
        """One preview from an empty state: everything is to be created."""
        return self._pulumi("preview", "--stack", STACK, "--suppress-outputs", *options)

    def _pulumi(self, *arguments: str) -> Sample:
        return run(["pulumi", "--non-interactive", *arguments], cwd=self.folder, env=self.env)
