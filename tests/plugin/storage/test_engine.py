"""Storage through the real engine: preview, up, drift, replacement, interruption, destroy."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.engine
ROOT = Path(__file__).resolve().parents[3]

PROGRAM = """
import json, pathlib
import pulumi, pulumi_libvirt as libvirt

given = json.loads(pathlib.Path("given.json").read_text())
host = libvirt.Provider("host", uri=given["uri"])
opts = pulumi.ResourceOptions(provider=host)
pool = libvirt.Pool("pool", name=given["pool"], type="dir", target={"path": given["path"]}, opts=opts)
base = libvirt.Volume("base", pool=pool.name, source=given["source"], opts=opts)
disk = libvirt.Volume("disk", pool=pool.name, base_volume_id=base.id, size=given["size"], name="disk", opts=opts)
seed = libvirt.CloudInitDisk("disk", pool=pool.name, user_data=pulumi.Output.secret(given["user"]), opts=opts)
pulumi.export("seed", seed.id)
pulumi.export("size", disk.size)
pulumi.export("base", base.id)
"""


class Project:
    """A project with its plugin, whose program reads `given.json`."""

    def __init__(self, folder: Path, pulumi: Callable[..., Any], given: dict[str, Any]) -> None:
        self.folder, self.pulumi, self.given = folder, pulumi, given
        folder.mkdir()
        plugin = json.dumps(str(ROOT / "plugins" / "pulumi-libvirt"))
        runtime = json.dumps({"name": "python", "options": {"virtualenv": str(ROOT / ".venv")}})
        stanza = f'{{"providers": [{{"name": "libvirt", "path": {plugin}}}]}}'
        (folder / "Pulumi.yaml").write_text(f"name: storage\nruntime: {runtime}\nplugins: {stanza}\n")
        (folder / "__main__.py").write_text(PROGRAM)
        self.give()
        self.run("stack", "init", "lab").ok()

    def give(self, **changes: Any) -> None:
        self.given |= changes
        (self.folder / "given.json").write_text(json.dumps(self.given))

    def run(self, *arguments: str) -> Any:
        return self.pulumi(*arguments, cwd=self.folder)

    def up(self) -> Any:
        return self.run("up", "--yes", "--skip-preview").ok()

    def steps(self) -> dict[str, str]:
        """Resource name to operation, of a preview."""
        steps = self.run("preview", "--json").ok().json()["steps"]
        return {step["urn"].rpartition("::")[2]: step["op"] for step in steps if step["op"] not in ("same", "refresh")}

    def outputs(self) -> dict[str, Any]:
        return dict(self.run("stack", "output", "--json", "--show-secrets").ok().json())


@pytest.fixture
def project(tmp_path, pulumi, daemon, request) -> Any:
    image = tmp_path / "image.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", image, "8M"], check=True)
    where = daemon.directory(f"e{abs(hash(request.node.nodeid)) % 10**9}")
    given = {
        "uri": daemon.uri,
        "pool": where.name,
        "path": str(where / "pool"),
        "source": str(image),
        "size": 16 << 20,
        "user": "#cloud-config\nhostname: a\n",
    }
    made = Project(tmp_path / "project", pulumi, given)
    yield made
    made.run("destroy", "--yes", "--skip-preview")
    shutil.rmtree(where, ignore_errors=True)


def test_a_stack_is_made_stays_the_same_changes_and_goes(project):
    project.up()
    out = project.outputs()
    assert out["size"] == 16 << 20
    pool = Path(project.given["path"])
    assert project.steps() == {}
    project.run("refresh", "--preview-only", "--expect-no-changes").ok()

    project.give(size=32 << 20, user="#cloud-config\nhostname: b\n")
    preview = project.run("preview").ok().output
    assert "size 16MiB -> 32MiB: grown in place (live)" in preview
    assert "userData changes (at next boot)" in preview
    assert "hostname" not in preview
    assert project.steps() == {"disk": "update"}
    project.up()
    assert project.outputs()["size"] == 32 << 20
    assert project.outputs()["seed"] == out["seed"]

    project.run("destroy", "--yes", "--skip-preview").ok()
    assert not pool.exists()


def test_changed_content_makes_the_image_anew_and_what_lies_on_it(project):
    project.up()
    base, disk = Path(project.outputs()["base"]), Path(project.given["path"]) / "disk"
    before = disk.stat().st_ctime_ns
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", project.given["source"], "9M"], check=True)
    preview = project.run("preview").ok().output
    assert "content changed: sha256" in preview
    project.up()
    assert base.read_bytes() == Path(project.given["source"]).read_bytes()
    assert disk.stat().st_ctime_ns != before
    assert project.steps() == {}


def test_a_volume_grown_by_hand_is_seen_by_a_plain_preview(project, desk):
    project.up()
    pool = desk.connection.storagePoolLookupByName(project.given["pool"])
    pool.storageVolLookupByName("disk").resize(20 << 20)
    assert project.steps()["disk"] in ("replace", "create-replacement", "delete-replaced")


def test_without_its_host_the_stack_previews_and_says_what_it_did_not_observe(project, daemon):
    project.up()
    daemon.kill()
    try:
        preview = project.run("preview").ok().output
        assert preview.count("not observed: ") >= 4
        failed = project.run("refresh", "--yes", "--skip-preview")
        assert "not observed: " in failed.output
    finally:
        daemon.start()
    assert project.steps() == {}


def test_a_stack_that_lost_its_state_adopts_what_bears_its_mark(project):
    project.up()
    out = project.outputs()
    for name in ("disk", "disk", "base", "pool"):
        state = project.run("stack", "export").ok().json()
        urns = [each["urn"] for each in state["deployment"]["resources"] if each["urn"].endswith(f"::{name}")]
        project.run("state", "delete", "--yes", "--force", urns[-1]).ok()
    project.up()
    assert project.outputs() == out


TAKEN = """
import json, pathlib
import pulumi_libvirt as libvirt

given = json.loads(pathlib.Path("given.json").read_text())
pool = libvirt.Pool("taken", name=given["pool"], type="dir", target={"path": given["path"]})
libvirt.Volume("taken", pool=pool.name, name="base", source=given["source"])
"""
OURS = ("owner", "contentSha256", "changed", "basePath", "kind", "directoryMade", "active", "autostart")


def test_a_state_of_the_official_plugin_is_taken_over(project, desk):
    """Such a state has the SDK's outputs only, and nothing on the host is marked."""
    project.up()
    state = project.run("stack", "export").ok().json()
    for resource in state["deployment"]["resources"]:
        outputs = resource.get("outputs", {})
        if resource["type"].startswith("libvirt:index"):
            outputs |= {"id": resource["id"], "__meta": '{"schema_version":"0"}'}
            resource.get("inputs", {})["__defaults"] = []
        resource["outputs"] = {key: value for key, value in outputs.items() if key not in OURS}
        resource.pop("refreshBeforeUpdate", None)
    (project.folder / "state.json").write_text(json.dumps(state))
    project.run("stack", "import", "--file", "state.json").ok()
    pool = desk.connection.storagePoolLookupByName(project.given["pool"])
    for volume in pool.listAllVolumes():
        if volume.name().endswith(".quietcore"):
            volume.delete(0)
    assert project.steps() == {}
    project.give(size=32 << 20)
    project.up()
    assert project.outputs()["size"] == 32 << 20
    project.run("destroy", "--yes", "--skip-preview").ok()
    assert list(Path(project.given["path"]).iterdir()) == []


def test_what_exists_is_taken_over_by_import(project, desk):
    """The commands of the reference page, and then a preview of the program that describes them."""
    where = Path(project.given["path"])
    where.mkdir(mode=0o777)
    where.chmod(0o777)
    connection = desk.connection
    xml = f"<pool type='dir'><name>{project.given['pool']}</name><target><path>{where}</path></target></pool>"
    pool = connection.storagePoolDefineXML(xml, 0)
    pool.create(0)
    made = "<volume><name>{}</name><capacity>{}</capacity><target><format type='qcow2'/></target></volume>"
    base = pool.createXML(made.format("base", 8 << 20), 0)
    env = {"LIBVIRT_DEFAULT_URI": project.given["uri"]}

    def take(token: str, name: str, identity: str) -> None:
        options = ("--yes", "--skip-preview", "--protect=false", "--generate-code=false")
        project.pulumi("import", token, name, identity, *options, cwd=project.folder, env=env).ok()

    take("libvirt:index/pool:Pool", "taken", pool.UUIDString())
    take("libvirt:index/volume:Volume", "taken", f"{pool.name()}/base")
    (project.folder / "__main__.py").write_text(TAKEN)
    ran = project.pulumi("preview", cwd=project.folder, env=env).ok()
    assert "an imported volume keeps its content: only the state changes (live)" in ran.output
    project.pulumi("up", "--yes", "--skip-preview", cwd=project.folder, env=env).ok()
    project.pulumi("preview", "--expect-no-changes", cwd=project.folder, env=env).ok()
    state = project.run("stack", "export").ok().json()["deployment"]["resources"]
    assert {each["id"] for each in state if each.get("custom")} >= {base.key(), pool.UUIDString()}
    project.pulumi("destroy", "--yes", "--skip-preview", cwd=project.folder, env=env).ok()
    assert list(where.iterdir()) == []


class Halting(http.server.BaseHTTPRequestHandler):
    """Serves an image of 3 MB; halts after the first until `go` is set, and says with `halted` that it is there."""

    data = bytes(range(1, 251)) * 12_000
    halted, go = threading.Event(), threading.Event()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.data)))
        self.end_headers()
        self.wfile.write(self.data[:1_000_000])
        self.wfile.flush()
        self.halted.set()
        self.go.wait(60)
        try:
            self.wfile.write(self.data[1_000_000:])
        except OSError:
            return

    def log_message(self, *_args: object) -> None:
        """Silent."""


@pytest.fixture
def halting() -> Iterator[str]:
    Halting.halted.clear()
    Halting.go.clear()
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Halting)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}/image"
    Halting.go.set()
    running.shutdown()


@pytest.fixture
def start(project: Project, engine_env: dict[str, str]) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Start an `up` in a process group of its own, and return once its upload has begun."""
    started: list[subprocess.Popen[bytes]] = []

    def up() -> subprocess.Popen[bytes]:
        command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"]
        silent = subprocess.DEVNULL
        started.append(
            subprocess.Popen(
                command, cwd=project.folder, env=engine_env, start_new_session=True, stdout=silent, stderr=silent
            )
        )
        assert Halting.halted.wait(60)
        return started[-1]

    yield up
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_an_engine_killed_during_an_upload_is_recovered_from(project, halting, start, desk):
    project.give(source=halting)
    process = start()
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    Halting.go.set()
    project.run("cancel", "--yes").ok()
    project.up()
    project.run("refresh", "--yes", "--skip-preview", "--clear-pending-creates").ok()
    assert project.steps() == {}
    assert Path(project.outputs()["base"]).read_bytes() == Halting.data
    assert not project.run("stack", "export").ok().json()["deployment"].get("pending_operations")
    names = desk.connection.storagePoolLookupByName(project.given["pool"]).listVolumes()
    assert len(names) == 6, names
    project.run("destroy", "--yes", "--skip-preview").ok()
    assert not Path(project.given["path"]).exists()


def test_a_cancelled_upload_is_undone(project, halting, start, desk):
    project.give(source=halting)
    process = start()
    process.send_signal(signal.SIGINT)
    Halting.go.set()
    assert process.wait(60) != 0
    pool = desk.connection.storagePoolLookupByName(project.given["pool"])
    assert not [name for name in pool.listVolumes() if name.lstrip(".").startswith("base-")]
    state = project.run("stack", "export").ok().json()["deployment"]
    assert not [each for each in state["resources"] if each["urn"].endswith("::base")]
    assert not state.get("pending_operations")
    project.up()
    assert Path(project.outputs()["base"]).read_bytes() == Halting.data
