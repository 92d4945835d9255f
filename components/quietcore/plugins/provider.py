"""What makes a plugin this plugin: its name, its handlers, and how it reaches its hosts."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from quietcore.plugins.handler import Failure, Handler, Props


@dataclass(frozen=True, slots=True)
class Move:
    """What another configuration means for what was made under the old one; `warning` is for the user."""

    elsewhere: bool = False
    """Whether it leads to another host, so that everything is made there and removed here."""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Provider:
    """One plugin. Handlers are made at first use: the engine also starts plugins that it then asks for no resource."""

    name: str
    version: str
    handlers: Mapping[str, Callable[[], Handler]]
    """Type token to what makes its handler."""
    connect: Callable[[str], Any]
    """Reach the host behind a URI; raises Unreachable."""
    host: Callable[[str], str]
    """Name the host behind a URI, for sentences."""
    default_uri: Callable[[], str]
    schema: Callable[[], str]
    """The package's schema as JSON; only code generation (`pulumi import`) asks for it."""
    check_config: Callable[[Props], list[Failure]]
    move: Callable[[str, str], Move]
    """Compare the hosts behind two URIs."""
    unsupported: Mapping[str, str] = field(default_factory=dict)
    """Type tokens of the SDK that this plugin does not serve, each with the reason and what to do instead."""

    def prepare(self) -> None:
        """Import what the handlers need, beside what else goes on: the engine waits for each answer to its checks."""
        threading.Thread(target=self.import_handlers, name="prepare", daemon=True).start()

    def import_handlers(self) -> None:
        """Import what every handler needs."""
        for make in self.handlers.values():
            with contextlib.suppress(Exception):  # whoever asks for the handler is told
                make()
