"""The plugin as a process of its own, spoken to as the engine does, on libvirt's test driver."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("libvirt")

import grpc
from google.protobuf import empty_pb2

from quietcore.plugins.properties import SECRET, SIGNATURE, decode, encode
from quietcore.plugins.protocol import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc

PROGRAM = Path(__file__).resolve().parents[3] / "plugins" / "pulumi-libvirt" / "pulumi-resource-libvirt"
DOMAIN, NETWORK = "libvirt:index/domain:Domain", "libvirt:index/network:Network"


@dataclass
class Ears(engine_pb2_grpc.EngineServicer):
    """The engine's side of log lines."""

    heard: list[tuple[str, str]] = field(default_factory=list)

    def Log(self, request: Any, _context: Any) -> Any:  # noqa: N802  # the protocol's name
        if not request.ephemeral:
            self.heard.append((engine_pb2.LogSeverity.Name(request.severity), request.message))
        return empty_pb2.Empty()


@dataclass
class Plugin:
    """A running plugin and what it said."""

    process: subprocess.Popen[bytes]
    stub: Any
    ears: Ears

    def configure(self, uri: str) -> None:
        self.stub.Configure(provider_pb2.ConfigureRequest(args=encode({"uri": uri})))

    def check(self, resource: str, token: str = DOMAIN, **inputs: Any) -> Any:
        request = provider_pb2.CheckRequest(urn=urn(resource, token), news=encode(inputs), randomSeed=b"seed")
        return self.stub.Check(request)

    def create(self, resource: str, token: str = DOMAIN, preview: bool = False, **inputs: Any) -> Any:
        checked = self.check(resource, token, **inputs)
        assert not checked.failures, checked.failures
        request = provider_pb2.CreateRequest(urn=urn(resource, token), properties=checked.inputs, preview=preview)
        return self.stub.Create(request), checked.inputs


def urn(name: str, token: str = DOMAIN) -> str:
    return f"urn:pulumi:lab::plant::quietcore:index:RtNode${token}::{name}"


@pytest.fixture
def plugin() -> Iterator[Plugin]:
    ears = Ears()
    engine = grpc.server(ThreadPoolExecutor(2))
    engine_pb2_grpc.add_EngineServicer_to_server(ears, engine)
    port = engine.add_insecure_port("127.0.0.1:0")
    engine.start()
    process = subprocess.Popen([str(PROGRAM), f"127.0.0.1:{port}"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    assert process.stdout is not None
    channel = grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}")
    yield Plugin(process, provider_pb2_grpc.ResourceProviderStub(channel), ears)
    channel.close()
    process.kill()
    process.wait()
    engine.stop(0)


def test_it_says_who_it_is_and_keeps_secrets(plugin):
    assert plugin.stub.Handshake(provider_pb2.ProviderHandshakeRequest()).accept_secrets
    assert plugin.stub.GetPluginInfo(empty_pb2.Empty()).version == "0.5.4"
    answer = plugin.stub.Configure(provider_pb2.ConfigureRequest(args=encode({"uri": "test:///default"})))
    assert answer.supportsPreview


def test_its_schema_has_every_property_of_the_sdk(plugin):
    pulumi_libvirt = pytest.importorskip("pulumi_libvirt")
    schema = json.loads(plugin.stub.GetSchema(provider_pb2.GetSchemaRequest()).schema)
    for name in ("Domain", "Network", "Pool", "Volume", "CloudInitDisk"):
        token = f"libvirt:index/{name[0].lower()}{name[1:]}:{name}"
        known = {snake(each) for each in schema["resources"][token]["inputProperties"]}
        assert known == set(getattr(pulumi_libvirt, f"{name}Args").__init__.__annotations__) - {"return"}


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


@pytest.mark.parametrize("uri", ["qemu:///system", "qemu+ssh://root@hv1:2222/system?keyfile=/k", "test:///default"])
def test_a_libvirt_uri_is_taken(plugin, uri):
    assert not plugin.stub.CheckConfig(provider_pb2.CheckRequest(news=encode({"uri": uri}))).failures


def test_what_is_no_uri_is_refused(plugin):
    failure = plugin.stub.CheckConfig(provider_pb2.CheckRequest(news=encode({"uri": "hv1"}))).failures[0]
    assert failure.property == "uri"
    assert "qemu+ssh://HOST/system" in failure.reason


@pytest.mark.parametrize("kind", ["ignition:Ignition", "combustion:Combustion"])
def test_what_is_not_supported_is_refused_with_what_to_do_instead(plugin, kind):
    failure = plugin.check("first", f"libvirt:index/{kind}", content="{}").failures[0]
    assert "not supported" in failure.reason
    assert "CloudInitDisk" in failure.reason


def test_a_preview_needs_no_host(plugin):
    plugin.configure("qemu+ssh://nowhere.invalid/system")
    made, _ = plugin.create("plc", preview=True, memory=64)
    outputs, _ = decode(made.properties)
    assert outputs["memory"] == 64
    assert made.id == ""


def test_a_domain_lives_from_create_to_delete(plugin):
    plugin.configure("test:///default")
    made, inputs = plugin.create("plc", type="test", name="plc", memory=64, graphics={"type": "none"})
    assert made.refresh_before_update
    read = provider_pb2.ReadRequest(id=made.id, urn=urn("plc"), properties=made.properties, inputs=inputs)
    found = plugin.stub.Read(read)
    assert (found.id, decode(found.inputs)) == (made.id, decode(inputs))
    bigger = plugin.check("plc", type="test", name="plc", memory=128, graphics={"type": "none"}).inputs
    both = {"id": made.id, "urn": urn("plc"), "olds": made.properties, "old_inputs": inputs, "news": bigger}
    diff = plugin.stub.Diff(provider_pb2.DiffRequest(**both))
    assert list(diff.detailedDiff) == ["memory"]
    assert plugin.ears.heard[-1][0] == "WARNING"
    assert "plc on " in plugin.ears.heard[-1][1]
    updated = plugin.stub.Update(provider_pb2.UpdateRequest(**both))
    assert decode(updated.properties)[0]["pendingRestart"] == ["memory 128 MiB instead of 64 MiB"]
    gone = provider_pb2.DeleteRequest(id=made.id, urn=urn("plc"), properties=updated.properties, timeout=0.1)
    plugin.stub.Delete(gone)
    plugin.stub.Delete(gone)
    assert plugin.stub.Read(read).id == ""


def test_a_network_lives_from_create_to_delete(plugin):
    plugin.configure("test:///default")
    made, inputs = plugin.create("cell", NETWORK, name="cell", mode="nat", addresses=["10.9.0.0/24"])
    found = plugin.stub.Read(
        provider_pb2.ReadRequest(id=made.id, urn=urn("cell", NETWORK), properties=made.properties, inputs=inputs)
    )
    assert decode(found.inputs) == decode(inputs)
    plugin.stub.Delete(provider_pb2.DeleteRequest(id=made.id, urn=urn("cell", NETWORK), properties=made.properties))


def test_a_foreign_domain_of_the_same_name_is_refused(plugin):
    plugin.configure("test:///default")
    with pytest.raises(grpc.RpcError) as refused:
        plugin.create("test", type="test", name="test", graphics={"type": "none"})
    assert "pulumi import libvirt:index/domain:Domain test 6695eb01" in refused.value.details()


def test_an_import_gives_inputs_that_make_no_difference(plugin):
    plugin.configure("test:///default")
    found = plugin.stub.Read(provider_pb2.ReadRequest(id="test", urn=urn("test")))
    inputs, _ = decode(found.inputs)
    inputs.pop("effective")
    again = plugin.check("test", **inputs)
    assert not again.failures
    diff = provider_pb2.DiffRequest(
        id=found.id, urn=urn("test"), olds=found.properties, old_inputs=found.inputs, news=again.inputs
    )
    assert plugin.stub.Diff(diff).changes == provider_pb2.DiffResponse.DIFF_NONE


def test_an_unreachable_host_gives_back_the_saved_state_and_a_warning(plugin):
    plugin.configure("qemu+unix:///system?socket=/nowhere/sock")
    saved = encode({"name": "plc"})
    read = provider_pb2.ReadRequest(id="x", urn=urn("plc"), properties=saved, inputs=saved)
    assert plugin.stub.Read(read).properties == saved
    assert plugin.stub.Read(read).id == "x"
    severity, line = plugin.ears.heard[0]
    assert severity == "WARNING"
    assert line.startswith("not observed: /nowhere/sock (qemu+unix")
    assert len(plugin.ears.heard) == 1


def test_secret_inputs_stay_secret_with_all_that_follows_from_them(plugin):
    plugin.configure("test:///default")
    hidden = encode({"type": "test", "name": "plc", "description": "key 7"}, secrets=["description"])
    inputs = plugin.stub.Check(provider_pb2.CheckRequest(urn=urn("plc"), news=hidden)).inputs
    assert decode(inputs)[1] == {"description", "effective"}
    for preview, derived in ((True, {"pendingRestart"}), (False, {"effective", "pendingRestart"})):
        made = plugin.stub.Create(provider_pb2.CreateRequest(urn=urn("plc"), properties=inputs, preview=preview))
        fields = made.properties.fields
        wrapped = [name for name in fields if fields[name].struct_value.fields[SIGNATURE].string_value == SECRET]
        assert {"description", *derived} <= set(wrapped)


def test_what_a_preview_foretells_does_not_repeat_the_facts_that_the_inputs_bear(plugin):
    plugin.configure("test:///default")
    made, inputs = plugin.create("plc", preview=True, type="test", name="plc", graphics={"type": "none"})
    assert "effective" in inputs.fields
    assert "effective" not in made.properties.fields


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_idle_plugin_ends_at_a_signal(plugin, number):
    plugin.configure("test:///default")
    plugin.process.send_signal(number)
    assert plugin.process.wait(10) == 0


def test_cancel_means_nothing_to_an_idle_plugin(plugin):
    plugin.configure("test:///default")
    plugin.stub.Cancel(empty_pb2.Empty())
    made, _ = plugin.create("plc", type="test", name="plc", graphics={"type": "none"})
    assert made.id


def test_a_plugin_ends_with_an_engine_that_was_killed():
    parent = subprocess.Popen(
        ["sh", "-c", f"{PROGRAM} 127.0.0.1:1 & echo $!; wait"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.stdout.readline()  # its port: it serves
    parent.kill()
    parent.wait()
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists() or "(zombie)" in Path(f"/proc/{pid}/status").read_text():
            return
        threading.Event().wait(0.1)
    raise AssertionError(f"plugin {pid} outlives its engine")
