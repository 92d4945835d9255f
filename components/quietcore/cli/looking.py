"""Looking into a host: the few files that say how it boots and is tuned, read over ssh or here, and never changed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

from quietcore.errors import EnvironmentFault

FILES: Final = (
    "/proc/cmdline",
    "/sys/devices/system/cpu/online",
    "/etc/tuned/active_profile",
    "/etc/tuned/*-variables.conf",
    "/etc/tuned/*/tuned.conf",
    "/etc/tuned/profiles/*/tuned.conf",
    "/var/lib/kubelet/config.yaml",
    "/etc/kubernetes/kubelet.conf",
    "/etc/crio/crio.conf",
    "/etc/crio/crio.conf.d/*",
    "/etc/containerd/config.toml",
)
PRINTED: Final = {"/uname": "uname -a", "/tuned": "tuned --version", "/kubelet": "kubelet --version"}
"""What no file says, by the name under which it is told."""

SECONDS: Final = 30.0

_SCRIPT: Final = "\n".join(
    [
        'tell() { printf \'%s %s\\n\' "$(wc -c < "$2")" "$1"; cat "$2"; }',
        "printed=$(mktemp) && trap 'rm -f \"$printed\"' EXIT || exit 3",
        f"for file in {' '.join(FILES)}; do",
        '[ -r "$file" ] && [ -n "$(head -c 1 "$file")" ] && tell "$file" "$file"; done',
        *(
            f'{command} > "$printed" 2>/dev/null && [ -s "$printed" ] && tell {name} "$printed"'
            for name, command in PRINTED.items()
        ),
        "true",
    ]
)


@dataclass(frozen=True)
class Way:
    """How to run a shell on the host."""

    where: str
    command: tuple[str, ...]

    @classmethod
    def of(cls, uri: str) -> Way | None:
        """By ssh where libvirt goes by ssh, here where it is this machine's own; None for another way."""
        address = urlsplit(uri)
        transport = address.scheme.partition("+")[2]
        if address.scheme.partition("+")[0] != "qemu":
            return None
        asked = {name: values[-1] for name, values in parse_qs(address.query).items()}
        if transport in ("ssh", "libssh", "libssh2"):
            return cls(uri, _ssh(address.hostname or "", address.username, _port(uri), asked))
        local = not address.hostname and transport in ("", "unix") and "socket" not in asked
        return cls(uri, ("sh", "-s")) if local else None


def looked(way: Way) -> Iterator[tuple[str, bytes]]:
    """Path and content of each file that is there and may be read. Raises EnvironmentFault where no shell answers."""
    try:
        done = subprocess.run(
            way.command,
            input=_SCRIPT.encode(),
            capture_output=True,
            timeout=SECONDS,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise _no_shell(way, str(fault)) from None
    if done.returncode:
        raise _no_shell(way, done.stderr.decode("utf-8", "replace").strip()[-200:])
    yield from _told(done.stdout)


def _told(output: bytes) -> Iterator[tuple[str, bytes]]:
    at = 0
    while (end := output.find(b"\n", at)) >= 0:
        size, _, path = output[at:end].partition(b" ")
        if not size.isdigit():
            return
        at = end + 1 + int(size)
        yield path.decode("utf-8", "replace"), output[end + 1 : at]


def _ssh(host: str, user: str | None, port: int | None, asked: dict[str, str]) -> tuple[str, ...]:
    command = [asked.get("command", "ssh"), "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]
    command += ["-i", asked["keyfile"]] if "keyfile" in asked else []
    command += ["-o", f"UserKnownHostsFile={asked['known_hosts']}"] if "known_hosts" in asked else []
    command += ["-o", "StrictHostKeyChecking=no"] if asked.get("no_verify") == "1" else []
    command += ["-p", str(port)] if port else []
    return (*command, "--", f"{user}@{host}" if user else host, "sh -s")


def _port(uri: str) -> int | None:
    try:
        return urlsplit(uri).port
    except ValueError as fault:
        raise EnvironmentFault("not a URI", given=uri, allowed=str(fault)) from None


def _no_shell(way: Way, reason: str) -> EnvironmentFault:
    return EnvironmentFault(
        "the host's files cannot be read",
        where=way.where,
        given=reason or "no reason",
        hint=f"try `{' '.join(way.command[:-1])} true`; or give its files instead",
    )
