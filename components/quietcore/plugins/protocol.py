"""The engine's protocol buffers, without the Pulumi SDK around them.

Importing `pulumi` takes 0.35 s of a plugin's start, and the engine starts the plugin once per provider and command. The
generated modules need nothing of it: they are loaded through two bare packages that stand in for `pulumi` and
`pulumi.runtime` while they load, and go again, so that a process that wants the SDK still gets the real one.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any


def _load() -> tuple[Any, ...]:
    names = ("provider_pb2", "provider_pb2_grpc", "plugin_pb2", "engine_pb2", "engine_pb2_grpc", "status_pb2")
    standing_in = _stand_in()
    try:
        return tuple(importlib.import_module(f"pulumi.runtime.proto.{name}") for name in names)
    finally:
        for name in standing_in:
            del sys.modules[name]


def _stand_in() -> list[str]:
    if "pulumi" in sys.modules:
        return []
    spec = importlib.util.find_spec("pulumi")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("the Python package `pulumi` is not installed beside quietcore")
    root = Path(next(iter(spec.submodule_search_locations)))
    packages = {"pulumi": root, "pulumi.runtime": root / "runtime", "pulumi.runtime.proto": root / "runtime" / "proto"}
    for name, folder in packages.items():
        module = ModuleType(name)
        module.__path__ = [str(folder)]
        sys.modules[name] = module
    return list(packages)


provider_pb2, provider_pb2_grpc, plugin_pb2, engine_pb2, engine_pb2_grpc, status_pb2 = _load()
