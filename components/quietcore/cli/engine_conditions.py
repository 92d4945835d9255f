"""What must be installed for `pulumi preview` and `up` to run a quietcore program."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from quietcore.cli.condition import Condition, Group
from quietcore.cli.plugins import PLUGINS, wiring
from quietcore.cli.project import Project
from quietcore.cli.versions import cache_root, distribution, engine_path, engine_version

MINIMUM: Final = (3, 249)
"""The oldest engine that hands component inputs to policies and serves plugins from Pulumi.yaml as we need."""

EXTRAS: Final = {
    "libvirt-python": ("serves libvirt resources", "libvirt"),
    "pycdlib": ("writes seed images", "libvirt"),
    "pulumi-policy": ("runs the policy pack", "policy"),
}

ENGINE = Group("engine")


def engine_conditions(project: Project | None) -> Iterator[Condition]:
    """The CLI, its Python language host, the Python packages, and the plugins of the project, if there is one."""
    engine = engine_path()
    yield _cli(engine)
    yield _language_host(engine)
    for name, (purpose, extra) in EXTRAS.items():
        version = distribution(name)
        missing = version == "not installed"
        yield (
            ENGINE.failed(name, f"not installed; it {purpose}", f"pip install 'quietcore[{extra}]'")
            if missing
            else ENGINE.ok(name, version)
        )
    for plugin in PLUGINS:
        if project is None:
            yield ENGINE.skipped(f"{plugin.name} plugin", "no Pulumi project here")
            continue
        path, fault = wiring(project, plugin)
        yield (
            ENGINE.failed(f"{plugin.name} plugin", fault, "quietcore plugins install")
            if fault
            else ENGINE.ok(f"{plugin.name} plugin", path)
        )


def release(version: str) -> tuple[int, int] | None:
    """Major and minor number; None for a version that tells none."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else None


def _cli(engine: Path | None) -> Condition:
    if engine is None:
        return ENGINE.failed("Pulumi CLI", "not found", "https://www.pulumi.com/docs/install/")
    version = engine_version(engine)
    found = release(version)
    if found is not None and found < MINIMUM:
        least = ".".join(map(str, MINIMUM))
        return ENGINE.failed(
            "Pulumi CLI",
            f"{version} at {engine}; {least} is the least",
            "pulumi self-update, or https://www.pulumi.com/docs/install/",
        )
    if shutil.which("pulumi") is None:
        return ENGINE.failed(
            "Pulumi CLI", f"{version} is built, but not on PATH", f'export PATH="{engine.parent}:$PATH"'
        )
    return ENGINE.ok("Pulumi CLI", f"{version}, {engine}")


def _language_host(engine: Path | None) -> Condition:
    name = "Python language host"
    beside = engine.resolve().parent / "pulumi-language-python" if engine else None
    found = str(beside) if beside and beside.is_file() else shutil.which("pulumi-language-python")
    if found is None:
        return ENGINE.failed(
            name,
            "pulumi-language-python stands neither beside pulumi nor on PATH",
            "install Pulumi by its own installer: https://www.pulumi.com/docs/install/",
        )
    ours = Path(found).resolve().is_relative_to(cache_root().resolve())
    return ENGINE.ok(name, f"quietcore's stand-in, {found}" if ours else f"Pulumi's own, {found}")
