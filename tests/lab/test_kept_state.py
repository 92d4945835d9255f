"""The state that this release writes on real hosts previews without changes elsewhere, where no host answers.

QUIETCORE_KEEP_STATE=1 keeps it in tests/program/state, under this release's version, for the releases to come.
"""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version

import pytest
from tests.program.kept import IMAGES, NOWHERE, ROOT, STATES, previewed, releases, write_project

pytestmark = [pytest.mark.lab, pytest.mark.engine]
KEEP = os.environ.get("QUIETCORE_KEEP_STATE", "") not in ("", "0")


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_args: object) -> None:
        """Silent."""


@pytest.fixture
def images(lab, tmp_path) -> Iterator[tuple[str, dict[str, str]]]:
    """The URL of a server of images, and their digests by name."""
    folder = tmp_path / "images"
    folder.mkdir()
    shutil.copy(lab.images.tier1.kernel, folder / "vmlinuz")
    shutil.copy(lab.images.tier1.initrd, folder / "initrd.img")
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", folder / "node.qcow2", "4M"], check=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    yield f"http://127.0.0.1:{server.server_port}", digests
    server.shutdown()


def test_the_state_of_this_release_previews_without_changes_where_no_host_answers(tmp_path, pulumi, lab, images):
    url, digests = images
    here = {IMAGES: url}
    here |= {NOWHERE.format(host=host.name): host.uri.partition("socket=")[2] for host in lab.hosts}
    site, kept = tmp_path / "site", tmp_path / "kept"
    write_project(kept, releases()[-1])
    program = (kept / "__main__.py").read_text()
    for name, digest in digests.items():
        program = re.sub(rf"({name}#sha256=)[0-9a-f]+", rf"\g<1>{digest}", program)
    (kept / "__main__.py").write_text(program)
    shutil.copytree(kept, site)
    (site / "__main__.py").write_text(_exchanged(program, here))

    pulumi("stack", "init", "dev", cwd=site).ok()
    try:
        pulumi("up", "--yes", "--skip-preview", cwd=site, env={"CI": ""}).ok()
        pulumi("preview", "--expect-no-changes", cwd=site).ok()
        state = pulumi("stack", "export", cwd=site).ok().json()
    finally:
        pulumi("destroy", "--yes", "--skip-preview", cwd=site)
        pulumi("stack", "rm", "--yes", "dev", cwd=site)
    for resource in state["deployment"]["resources"]:
        for place in ("sourcePosition", "stackTrace"):
            resource.pop(place, None)
    scrubbed = _exchanged(json.dumps(state, indent=1) + "\n", {there: name for name, there in here.items()})
    assert not [path for path in (ROOT, tmp_path, lab.dir, sys.prefix, sys.base_prefix) if str(path) in scrubbed]
    (tmp_path / "state.json").write_text(scrubbed)
    shutil.copy(site / "dev.lock.yaml", kept)
    previewed(kept, tmp_path / "state.json", pulumi).ok()
    if KEEP:
        folder = STATES / version("quietcore")
        shutil.copytree(kept, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("Pulumi*.yaml", "__pycache__"))
        shutil.copy(tmp_path / "state.json", folder)


def _exchanged(text: str, names: dict[str, str]) -> str:
    for name, other in names.items():
        text = text.replace(name, other)
    return text
