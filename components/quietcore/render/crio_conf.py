"""CRI-O's and containerd's configuration to TOML and back, as far as real-time rules care."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar

from quietcore.errors import QuietcoreError, UnitError
from quietcore.spec.runtime import ContainerRuntimeSpec
from quietcore.units import CpuSet

PLUGINS: Final = ("io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri", "cri")
"""Where containerd keeps what concerns Kubernetes: in files of version 3, 2 and 1."""

_DOTTED: Final = re.compile(r"""(?:\.[ \t]*[\w"'-]{1,60}[ \t]*){200}""")

Value = TypeVar("Value")


class RuntimeConfError(QuietcoreError, ValueError):
    """A text that is no TOML, or no runtime's configuration; ``where`` names the file, and the line in it."""


def render(runtime: ContainerRuntimeSpec) -> str:
    """The TOML text; ``lift`` reads it back to an equal value, but for ``unread``."""
    tables = _crio(runtime) if runtime.kind == "crio" else _containerd(runtime)
    return "\n".join(line for path, table in tables for line in _table(path, table)) + "\n"


def lift(text: str, name: str = "") -> ContainerRuntimeSpec:
    """The runtime's settings in the text of one file. Raises RuntimeConfError that names file and line, or the key."""
    _checked(text, name)
    try:
        data = tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as fault:
        said, _, line = str(fault).rpartition(" (at line ")
        line = line.split(",")[0]
        where = ", ".join(filter(None, (name, f"line {line}" if line.isdigit() else "last line")))
        raise RuntimeConfError("not TOML", where=where, given=said or str(fault), hint="mend the TOML") from None
    except RecursionError:
        raise RuntimeConfError("nested too deep", where=name, given="TOML", hint="flatten the file") from None
    except ValueError as fault:
        raise _overlong(text, name, fault) from None
    reader = _Reader(data, name)
    if "crio" in data:
        return reader.crio()
    if "plugins" in data or type(data.get("version")) is int:
        return reader.containerd()
    raise RuntimeConfError(
        "no runtime's configuration",
        where=name,
        given=", ".join(sorted(data))[:80] or "no table",
        allowed="[crio] tables of CRI-O, or version and [plugins] of containerd",
        hint="give the file that crio or containerd reads",
    )


def _checked(text: str, name: str) -> None:
    """Each part of a dotted key costs the reader as much as all before it."""
    found = _DOTTED.search(text)
    if found:
        where = ", ".join(filter(None, (name, f"line {text.count(chr(10), 0, found.start()) + 1}")))
        raise RuntimeConfError("nested too deep", where=where, given=found[0][:40], hint="flatten the file")


def _overlong(text: str, name: str, fault: ValueError) -> RuntimeConfError:
    """Python reads no number of thousands of digits, and says so without a place."""
    found = re.search(r"[0-9_]{1000}", text)
    line = f"line {text.count(chr(10), 0, found.start()) + 1}" if found else ""
    where = ", ".join(filter(None, (name, line)))
    return RuntimeConfError("a value that cannot be read", where=where, given=str(fault)[:80], hint="mend the TOML")


def laid_over(base: ContainerRuntimeSpec, drop_in: ContainerRuntimeSpec) -> ContainerRuntimeSpec:
    """What a runtime makes of two of its files: the later one wins where it says something."""
    said = {name: getattr(drop_in, name) for name in drop_in.model_fields_set}
    return base.model_copy(
        update=said
        | {
            "handlers": base.handlers | drop_in.handlers,
            "workloads": tuple(sorted({*base.workloads, *drop_in.workloads})),
            "unread": tuple(sorted({*base.unread, *drop_in.unread})),
        }
    )


class _Reader:
    """Takes known keys out of a tree of tables; what is left is unread."""

    def __init__(self, data: dict[str, Any], name: str) -> None:
        self.data, self.name = data, name
        self.read: set[tuple[str, ...]] = set()

    def crio(self) -> ContainerRuntimeSpec:
        handlers = self._table("crio", "runtime", "runtimes")
        return self._spec(
            kind="crio",
            cgroup_manager=self._text("crio", "runtime", "cgroup_manager"),
            infra_cpus=self._cpus("crio", "runtime", "infra_ctr_cpuset"),
            shared_cpus=self._cpus("crio", "runtime", "shared_cpuset"),
            handlers={name: self._allowed("crio", "runtime", "runtimes", name) for name in handlers},
            workloads=tuple(sorted(self._table("crio", "runtime", "workloads"))),
        )

    def containerd(self) -> ContainerRuntimeSpec:
        plugins = self._table("plugins")
        plugin = next((name for name in PLUGINS if name in plugins), PLUGINS[1])
        path = ("plugins", plugin, "containerd", "runtimes")
        handlers = self._table(*path)
        return self._spec(
            kind="containerd",
            config_version=self._number("version"),
            cgroup_manager=self._systemd(path, handlers),
            handlers={name: self._allowed(*path, name) for name in handlers},
        )

    def _systemd(self, path: tuple[str, ...], handlers: Mapping[str, Any]) -> str | None:
        """systemd where every handler asks for it; cgroupfs where one says no."""
        said = [self._as(bool, "true or false", *path, name, "options", "SystemdCgroup") for name in handlers]
        told = [each for each in said if each is not None]
        return None if not told else "systemd" if all(told) else "cgroupfs"

    def _spec(self, **values: Any) -> ContainerRuntimeSpec:
        said = {name: value for name, value in values.items() if value not in (None, {}, ())}
        return ContainerRuntimeSpec(**said, unread=tuple(sorted(set(self._unread(self.data, ())))))

    def _unread(self, table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
        for key, value in table.items():
            here = (*path, key)
            if here in self.read:
                continue
            if isinstance(value, dict) and value:
                yield from self._unread(value, here)
            elif value != {}:
                yield ".".join(here)

    def _at(self, path: tuple[str, ...]) -> Any:
        here: Any = self.data
        for index, part in enumerate(path):
            if not isinstance(here, dict):
                raise self._wrong(path[:index], here, "a table")
            here = here.get(part, {} if index < len(path) - 1 else None)
        return here

    def _table(self, *path: str) -> Mapping[str, Any]:
        found = self._at(path)
        if found is not None and not isinstance(found, dict):
            raise self._wrong(path, found, "a table")
        return found or {}

    def _as(self, kind: type[Value], allowed: str, *path: str) -> Value | None:
        found = self._at(path)
        self.read.add(path)
        if found is None or type(found) is kind:
            return found
        raise self._wrong(path, found, allowed)

    def _text(self, *path: str) -> str | None:
        return self._as(str, "text", *path) or None

    def _number(self, *path: str) -> int | None:
        return self._as(int, "a whole number", *path)

    def _cpus(self, *path: str) -> CpuSet | None:
        text = self._text(*path)
        try:
            return None if text is None else CpuSet.parse(text)
        except UnitError as fault:
            raise self._wrong(path, text, fault.allowed, fault.what) from None

    def _allowed(self, *path: str) -> tuple[str, ...]:
        """The annotations that a handler hands on."""
        found = self._as(list, "a list of texts", *path, "allowed_annotations") or []
        if not all(isinstance(each, str) for each in found):
            raise self._wrong((*path, "allowed_annotations"), found, "a list of texts")
        self.read.update((*path, key) for key in self._table(*path) if key.startswith("runtime_"))
        return tuple(found)

    def _wrong(self, path: tuple[str, ...], value: object, allowed: str, what: str = "wrong type") -> RuntimeConfError:
        where = ", ".join(filter(None, (self.name, ".".join(path))))
        return RuntimeConfError(what, where=where, given=f"{value!r}"[:80], allowed=allowed, hint=f"write {allowed}")


Tables = list[tuple[tuple[str, ...], dict[str, Any]]]


def _crio(runtime: ContainerRuntimeSpec) -> Tables:
    top: dict[str, Any] = {}
    if runtime.cgroup_manager:
        top["cgroup_manager"] = runtime.cgroup_manager
    for key, cpus in (("infra_ctr_cpuset", runtime.infra_cpus), ("shared_cpuset", runtime.shared_cpus)):
        if cpus is not None:
            top[key] = str(cpus)
    path = ("crio", "runtime")
    workloads: Tables = [((*path, "workloads", name), {}) for name in runtime.workloads]
    return [(path, top), *_handlers((*path, "runtimes"), runtime), *workloads]


def _containerd(runtime: ContainerRuntimeSpec) -> Tables:
    version = runtime.config_version
    top = {} if version is None else {"version": version}
    path = ("plugins", PLUGINS[0] if version == 3 else PLUGINS[1], "containerd", "runtimes")
    chosen = {"SystemdCgroup": runtime.cgroup_manager == "systemd"}
    options: Tables = [((*path, name, "options"), chosen) for name in runtime.handlers if runtime.cgroup_manager]
    return [((), top), (path, {}), *_handlers(path, runtime), *options]


def _handlers(path: tuple[str, ...], runtime: ContainerRuntimeSpec) -> Tables:
    return [
        ((*path, name), {"allowed_annotations": list(allowed)} if allowed else {})
        for name, allowed in runtime.handlers.items()
    ]


def _table(path: tuple[str, ...], table: Mapping[str, Any]) -> Iterator[str]:
    """A table's lines. JSON's text, numbers and lists are TOML's."""
    if path:
        yield f"[{'.'.join(_key(part) for part in path)}]"
    for key, value in table.items():
        yield f"{_key(key)} = {json.dumps(value)}"


def _key(key: str) -> str:
    return key if key.replace("-", "").replace("_", "").isalnum() and key.isascii() else json.dumps(key)
