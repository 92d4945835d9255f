"""Running a command inside a guest through its QEMU guest agent: no network, no keys."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from quietcore.errors import EnvironmentFault

POLL = 0.2  # seconds between two looks at a command that runs in the guest


def answers(domain: Any) -> bool:
    """Whether the guest's agent is there."""
    try:
        _ask(domain, "guest-ping", {})
    except EnvironmentFault:
        return False
    return True


def run_in(domain: Any, script: str, *, timeout: float = 120.0) -> str:
    """Run a shell script in the guest and return its stdout; ``timeout`` in seconds. Raises EnvironmentFault."""
    arguments = {"path": "/bin/sh", "arg": ["-c", script], "capture-output": True}
    pid = _ask(domain, "guest-exec", arguments)["pid"]
    deadline = time.monotonic() + timeout
    while not (seen := _ask(domain, "guest-exec-status", {"pid": pid}))["exited"]:
        if time.monotonic() > deadline:
            raise EnvironmentFault(
                f"a command in the guest did not end within {timeout:g} s", where=domain.name(), given=script
            )
        time.sleep(POLL)
    if seen["exitcode"]:
        said = _text(seen, "err-data") or _text(seen, "out-data")
        raise EnvironmentFault(f"a command in the guest failed: {said.strip()}", where=domain.name(), given=script)
    return _text(seen, "out-data")


def _text(seen: dict[str, Any], key: str) -> str:
    return base64.b64decode(seen.get(key, "")).decode("utf-8", "replace")


def _ask(domain: Any, command: str, arguments: dict[str, Any]) -> Any:
    import libvirt
    import libvirt_qemu

    libvirt.registerErrorHandler(lambda *_: None, None)  # failures are raised; libvirt prints them as well
    try:
        answer = libvirt_qemu.qemuAgentCommand(domain, json.dumps({"execute": command, "arguments": arguments}), 10, 0)
    except libvirt.libvirtError as fault:
        raise EnvironmentFault(
            f"the guest agent does not answer: {fault}", where=domain.name(), hint="is qemu-guest-agent running there?"
        ) from None
    return json.loads(answer)["return"]
