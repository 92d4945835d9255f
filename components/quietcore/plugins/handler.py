"""What a resource kind must be able to do, in plain values.

A handler knows one kind of resource: how to validate its inputs, what a change of them means, and how to make, observe,
change and remove the real thing. It knows nothing of the engine: the server translates. So every handler runs in a test
without one. Handlers are synchronous; the server runs them in threads.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Final

if TYPE_CHECKING:
    import libvirt

Props = dict[str, Any]
"""Inputs or outputs as plain values under the SDK's wire names: camelCase, integers as int, secrets unwrapped."""


class Unknown(Enum):
    """The type of `UNKNOWN`: a value that only `up` will know."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown.UNKNOWN


class Effect(StrEnum):
    """When a change reaches the running thing."""

    LIVE = "live"
    NEXT_BOOT = "at next boot"
    REPLACE = "replace"


class Severity(StrEnum):
    """How loud a line to the user is."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: the input it belongs to, when it takes effect, and a sentence in our words.

    `path` is a real input property path ("memory", "xml.xslt", "networkInterfaces[0].mac"). `keeps_name` says that the
    replacement would collide with what it replaces, so that the old one must go first.
    """

    path: str
    effect: Effect
    text: str
    keeps_name: bool = True


@dataclass(frozen=True, slots=True)
class Failure:
    """A check failure on the property at `path`."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Whose an object is: project, stack and resource name.

    Not the URN: that one changes when a resource gets another parent.
    """

    project: str
    stack: str
    name: str

    @classmethod
    def of(cls, urn: str) -> Mark:
        """Read the mark off a URN `urn:pulumi:STACK::PROJECT::TYPES::NAME`; NAME may itself hold colons."""
        parts = urn.removeprefix("urn:pulumi:").split("::", 3)
        if len(parts) != 4:
            raise ValueError(f"not a resource URN: {urn!r}")
        stack, project, _types, name = parts
        return cls(project=project, stack=stack, name=name)

    def __str__(self) -> str:
        return f"{self.project}/{self.stack}/{self.name}"


@dataclass(frozen=True, slots=True)
class State:
    """A resource as the engine keeps it: its id, the inputs that led to it, and what it turned out to be.

    `secrets` holds the names of top-level outputs that are to be kept encrypted besides those whose input was secret.
    """

    id: str
    inputs: Props = field(default_factory=dict)
    outputs: Props = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()


@dataclass(slots=True)
class Context:
    """What one call may use: whose resource it is, the connection, words to the user, and when to stop."""

    urn: str
    mark: Mark
    uri: str
    connect: Callable[[], libvirt.virConnect]
    log: Callable[[Severity, str], None]
    status: Callable[[str], None]
    cancelled: threading.Event = field(default_factory=threading.Event)
    name_host: Callable[[str], str] = field(default_factory=lambda: host_of)
    timeout: float | None = None
    """Seconds that the user allowed for this operation (customTimeouts), or None."""

    @property
    def host(self) -> str:
        """The host as a person would name it: the one in the URI, else what it calls itself, else the URI's words."""
        return self.name_host(self.uri)

    def checkpoint(self, doing: str) -> None:
        """A safe point: raises `Cancelled` when the user asked to stop."""
        if self.cancelled.is_set():
            raise Cancelled(f"{doing}: stopped before this step because the operation was cancelled")


def host_of(uri: str) -> str:
    """Host part of a libvirt URI; "this machine" for local ones, and the socket where one is named."""
    scheme, _, rest = uri.partition("://")
    authority = rest.split("/", 1)[0].split("?", 1)[0]
    if authority:
        return authority.rsplit("@", 1)[-1]
    _, _, socket = uri.partition("socket=")
    if socket:
        return socket.split("&", 1)[0]
    return "test driver" if scheme.startswith("test") else "this machine"


class HandlerError(Exception):
    """A failure that names the host, the object and libvirt's own words; `hint` is the next command or edit."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class Unreachable(HandlerError):
    """The host does not answer. At Read the saved state stands and the user is told "not observed"."""


class Cancelled(HandlerError):
    """The user asked to stop and the step in hand was undone: nothing of it is left."""


class PartialError(HandlerError):
    """The object exists but the operation did not get all the way; `state` is what was reached and is kept."""

    def __init__(self, message: str, state: State, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.state = state


class Handler(ABC):
    """One kind of resource, over plain values."""

    token: ClassVar[str]
    """The type token that the SDK registers, such as "libvirt:index/volume:Volume"."""
    uri: str = "qemu:///system"
    """The host that this run's configuration names; what a change means may hang on how it is reached."""
    derived: ClassVar[frozenset[str]] = frozenset()
    """Outputs made from all inputs together: kept secret as soon as any input is."""

    @abstractmethod
    def check(self, new: Props, old: Props | None, mark: Mark) -> tuple[Props, list[Failure]]:
        """Fill in defaults and validate; UNKNOWN may stand anywhere. A name that is not given follows from the mark."""

    @abstractmethod
    def diff(self, old: State, new: Props) -> list[Change]:
        """What changes between the saved state and the new inputs. Pure: asks no host."""

    @abstractmethod
    def predict(self, new: Props, old: State | None) -> Props:
        """Outputs at preview; UNKNOWN where only the host knows."""

    def foresee(self, inputs: Props, old: State | None, ctx: Context) -> None:  # noqa: ARG002  # for handlers to use
        """Raise at preview what only the host can refuse. Asks the host; changes nothing. By default nothing."""
        return

    @abstractmethod
    def create(self, inputs: Props, ctx: Context) -> State:
        """Make it; adopt an object that bears `ctx.mark`; refuse a foreign one under the same name."""

    @abstractmethod
    def read(self, state: State, ctx: Context) -> State | None:
        """Observe inputs and outputs; None when it is gone. Empty `state.inputs` means import."""

    @abstractmethod
    def update(self, old: State, new: Props, ctx: Context) -> State:
        """Carry out what `diff` announced, in place."""

    @abstractmethod
    def delete(self, state: State, ctx: Context) -> None:
        """Remove it; nothing to do when it is gone; never what is not ours."""

    def summary(self, old: State, new: Props, changes: list[Change], host: str) -> tuple[Severity, str] | None:
        """The one line that tells the user what an update does; None to say nothing."""
        told = [change for change in changes if change.text]
        if not told:
            return None
        waits = any(change.effect is Effect.NEXT_BOOT for change in told)
        name = new.get("name") or old.inputs.get("name") or old.id
        body = "; ".join(f"{change.text} ({change.effect})" for change in told)
        return (Severity.WARNING if waits else Severity.INFO), f"{name} on {host}: {body}"
