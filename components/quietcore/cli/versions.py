"""Which releases are at work: the library, the Pulumi SDK and the Pulumi CLI."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

ENGINE_SECONDS = 10.0


def versions() -> dict[str, str]:
    """Name to version, as `--version` prints them; a part that is missing says so."""
    engine = engine_path()
    return {
        "quietcore": distribution("quietcore"),
        "pulumi SDK": distribution("pulumi"),
        "pulumi CLI": f"{engine_version(engine)} ({engine})" if engine else "not found",
    }


def distribution(name: str) -> str:
    """The version of an installed Python distribution, or `not installed`."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def cache_root() -> Path:
    """Where built tools are kept."""
    given = os.environ.get("QUIETCORE_CACHE")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(given) if given else home / "quietcore"


def engine_path() -> Path | None:
    """The Pulumi CLI: the one on PATH, else the newest that `make tools` built; None where there is neither."""
    on_path = shutil.which("pulumi")
    if on_path:
        return Path(on_path)
    built = [found for found in cache_root().glob("pulumi/*/bin/pulumi") if os.access(found, os.X_OK)]
    return max(built, key=lambda found: found.stat().st_mtime, default=None)


def engine_version(engine: Path) -> str:
    """What `pulumi version` prints, without its `v`; `unknown` where it does not answer."""
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run(
            [engine, "version"], capture_output=True, text=True, timeout=ENGINE_SECONDS, env=environment, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip().removeprefix("v") or "unknown"
