"""Pulumi's mocks as ``quietcore check`` uses them: registrations are kept, outputs that are no inputs are unknown."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pulumi.runtime import mocks
from pulumi.runtime.settings import reset_options

from quietcore.resources.site import Registered
from quietcore.spec.topology import Loader

_QUIET = logging.getLogger("quietcore.quiet")  # findings are told by who called, not by a log
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


class Recorder(mocks.MockMonitor):
    """A monitor that keeps every registration as it was asked for, in ``registered``."""

    def __init__(self) -> None:
        super().__init__(_Echo())
        self.registered: list[Registered] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the monitor's own name
        """Keep the request and answer as the mocks do."""
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        props = pulumi.runtime.rpc.deserialize_properties(request.object, keep_unknowns=True)
        self.registered.append(
            Registered(
                response.urn, request.type, request.name, props, request.parent, request.provider.rpartition("::")[0]
            )
        )
        return response


class _Echo(mocks.Mocks):
    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], None]:  # noqa: ARG002 - no function of ours is asked
        return {}, None

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[Any, Any]]:
        return f"{args.name}-id", dict(args.inputs)


def start(monitor: Recorder, root: Path, project: str, stack: str) -> asyncio.AbstractEventLoop:
    """Make the SDK ready for a program of ``project`` in the folder ``root``; returns the loop to run it in."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    reset_options()
    mocks.set_mocks(_Echo(), project=project, stack=stack, preview=True, monitor=monitor, logger=_QUIET)
    pulumi.runtime.settings.SETTINGS.root_directory = str(root)
    config, secret = _configuration(root, project, stack)
    pulumi.runtime.set_all_config(config, secret)
    return loop


def _configuration(root: Path, project: str, stack: str) -> tuple[dict[str, str], list[str]]:
    """The stack's configuration from its file, keys in full; a secret is known by name only."""
    file = root / f"Pulumi.{stack}.yaml"
    data = yaml.load(file.read_text(encoding="utf-8"), Loader) if file.exists() else None
    given = {
        key if ":" in key else f"{project}:{key}": value for key, value in ((data or {}).get("config") or {}).items()
    }
    secret = [key for key, value in given.items() if isinstance(value, dict) and "secure" in value]
    plain = {key: "[secret]" if key in secret else _text(value) for key, value in given.items()}
    return plain, secret


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
