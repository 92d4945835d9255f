"""The Pulumi engine: the user's own where it has its Python language host, else one built from pinned modules.

The built one is three files in one folder of the cache: the CLI, our stand-in for its Python language host, and the
SDK's own start script.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cache
import golang
import progress
import wheels
from errors import SetupError

MODULE = Path(__file__).resolve().parent / "pulumi"

# `pulumi policy analyze --file`, the last of the engine's features that we use, came with 3.249. The tests run on the
# release that go.mod pins.
MINIMUM = "3.249.0"

CLI = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
SDK = "github.com/pulumi/pulumi/sdk/v3"
HOST = "pulumi-language-python"
SCRIPTS = (
    "python/cmd/pulumi-language-python-exec",
    "python/dist/pulumi-resource-pulumi-python",  # dynamic providers of other people's programs
)


@dataclass(frozen=True)
class UsersEngine:
    """A `pulumi` on PATH with its own Python language host."""

    program: str
    host: str
    version: str


def ensure() -> None:
    """Say which engine serves, building it first where it is missing."""
    found = users_engine()
    if found is not None:
        refuse_old(found)
        progress.say("engine", f"your own pulumi {found.version} serves: {found.program}, {found.host}")
        return
    target = folder_for(golang.expected(pinned("go")))
    if not target.exists():
        with cache.locked("engine"):
            if not target.exists():
                build(golang.find(pinned("go")), target)
    progress.say("engine", f"pulumi {pinned('pulumi')} with our Python language host serves: {target / 'bin'}")


def can_build() -> bool:
    """Return whether ensure() needs nothing that is not here yet: an engine, a Go, or a way to install one."""
    return users_engine() is not None or golang.on_path(pinned("go")) is not None or wheels.can_install()


def folder() -> Path | None:
    """Return the built engine's folder for PATH, or None where the user's own engine serves."""
    found = users_engine()
    if found is not None:
        refuse_old(found)
        return None
    target = folder_for(golang.expected(pinned("go")))
    candidates = [target, *built_from_these_sources()]
    for candidate in candidates:
        if (candidate / "bin" / "pulumi").exists():
            return candidate / "bin"
    raise SetupError("the Pulumi engine is not built yet", where=str(target), hint="make tools")


def users_engine() -> UsersEngine | None:
    """Return the first pulumi on PATH that is not ours and has a Python language host, beside it or on PATH."""
    for directory in foreign_path():
        program = shutil.which("pulumi", path=directory)
        if program is None:
            continue
        beside = str(Path(program).resolve().parent)
        host = shutil.which(HOST, path=os.pathsep.join([beside, *foreign_path()]))
        if host is not None:
            return UsersEngine(program, host, version_of(program))
        progress.say("engine", f"{program} has no {HOST} beside it or on PATH: not used")
    return None


def foreign_path() -> list[str]:
    """Return the folders on PATH that are not in our cache."""
    ours = cache.root().resolve()
    named = [entry for entry in os.environ.get("PATH", "").split(os.pathsep) if entry]
    return [entry for entry in named if ours not in Path(entry).resolve().parents]


def version_of(program: str) -> str:
    """Return the version that a pulumi program reports, without the v; it must not touch the user's ~/.pulumi."""
    with tempfile.TemporaryDirectory() as home:
        environ = {**os.environ, "PULUMI_HOME": home, "PULUMI_SKIP_UPDATE_CHECK": "true"}
        ran = subprocess.run([program, "version"], check=False, capture_output=True, text=True, env=environ)
    if ran.returncode != 0:
        raise SetupError("your pulumi does not run", where=program, given=(ran.stderr or ran.stdout).strip())
    return ran.stdout.strip().lstrip("v")


def refuse_old(found: UsersEngine) -> None:
    """Raise SetupError where the user's engine is below the minimum."""
    if golang.at_least(found.version.partition("-")[0], MINIMUM):
        return
    raise SetupError(
        "your pulumi is too old",
        where=found.program,
        given=found.version,
        allowed=f"{MINIMUM} or newer",
        hint="update it (https://www.pulumi.com/docs/install/), or take it off PATH and `make tools` builds one",
    )


def pinned(what: str) -> str:
    """Return the version of "pulumi" or "go" that go.mod pins."""
    pattern = {"pulumi": r"^\s*github.com/pulumi/pulumi/pkg/v3 v(\S+)", "go": r"^go (\S+)"}[what]
    found = re.search(pattern, (MODULE / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        raise SetupError(f"no version of {what} in go.mod", where=str(MODULE / "go.mod"))
    return found.group(1)


def folder_for(go_version: str) -> Path:
    """Return the folder of the engine built by this Go from these sources."""
    digest = hashlib.sha256(f"{sources_digest()} go{go_version}".encode()).hexdigest()[:12]
    return cache.root() / "pulumi" / f"{pinned('pulumi')}-{digest}"


def sources_digest() -> str:
    """Return a digest of all that is compiled: go.mod, go.sum and the language host."""
    digest = hashlib.sha256()
    for path in [MODULE / "go.mod", MODULE / "go.sum", *sorted((MODULE / HOST).glob("*.go"))]:
        digest.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def built_from_these_sources() -> list[Path]:
    """Return the built engines that differ from the expected one only in the Go that built them."""
    wanted = sources_digest()
    notes = sorted((cache.root() / "pulumi").glob("*/built.json"))
    return [note.parent for note in notes if json.loads(note.read_text()).get("sources") == wanted]


def build(go: golang.Go, target: Path) -> None:
    """Build the CLI and the language host into target, try them, and publish them together."""
    version = pinned("pulumi")
    log = cache.root() / "logs" / "engine.log"
    with cache.published(target) as aside:
        output = aside / "bin"
        output.mkdir()
        flags = f"-s -w -X {SDK}/go/common/version.Version=v{version}"
        command = [go.program, "build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags", flags]
        command += ["-o", f"{output}/", f"./{HOST}", CLI]
        seconds = progress.run(
            "engine", f"building pulumi {version} (minutes)", command, log=log, cwd=MODULE, env=go.environ()
        )
        copy_scripts(go, output)
        built = version_of(str(output / "pulumi"))
        if built != version:
            raise SetupError("the built engine reports another version", given=built, allowed=version, where=str(log))
        note = {"pulumi": version, "go": go.version, "sources": sources_digest()}
        (aside / "built.json").write_text(json.dumps(note, indent=2) + "\n")
    go.clean()
    progress.say("engine", f"pulumi {version} built by Go {go.version} ({progress.elapsed(seconds)})")


def copy_scripts(go: golang.Go, output: Path) -> None:
    """Copy the SDK's own scripts out of its module, whose checksum Go has verified."""
    listed = subprocess.run(
        [go.program, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", SDK],
        cwd=MODULE,
        env=go.environ(),
        check=True,
        capture_output=True,
        text=True,
    )
    for script in SCRIPTS:
        source = Path(listed.stdout.strip()) / script
        (output / source.name).write_bytes(source.read_bytes())
        (output / source.name).chmod(0o755)
