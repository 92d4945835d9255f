"""The plugin as the engine sees it: `pulumirpc.ResourceProvider` over handlers.

Serves the protocol itself and not the SDK's base class, because that one drops the old inputs and
`refresh_before_update`, without which a plain preview does not see drift.
"""

# ruff: noqa: D102, N802  (methods have the protocol's own names; what each does is said in pulumi/provider.proto)

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import grpc
from google.protobuf import any_pb2, empty_pb2

from quietcore.errors import QuietcoreError
from quietcore.plugins.difference import difference
from quietcore.plugins.handler import (
    UNKNOWN,
    Context,
    Handler,
    HandlerError,
    Mark,
    PartialError,
    Props,
    Severity,
    State,
    Unreachable,
)
from quietcore.plugins.properties import decode, encode
from quietcore.plugins.protocol import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2
from quietcore.plugins.provider import Provider
from quietcore.plugins.voice import Voice

Call = Callable[[Any, Any, Any], Any]


def answering(call: Call) -> Call:
    """Turn what a handler raises into the engine's errors; a fault of ours gets its traceback, a user's never."""

    @functools.wraps(call)
    def wrapped(self: Servicer, request: Any, context: Any) -> Any:
        try:
            return call(self, request, context)
        except PartialError as error:
            self.abort_partial(error, context)
        except (HandlerError, QuietcoreError) as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))

    return wrapped


class Servicer(provider_pb2_grpc.ResourceProviderServicer):  # type: ignore[misc]  # generated, untyped
    """One plugin process; calls come in on many threads at once."""

    def __init__(self, provider: Provider, voice: Voice) -> None:
        self._provider = provider
        self._voice = voice
        self._uri: Any = ""
        self._handlers: dict[str, Handler] = {}
        self._told: set[str] = set()
        self._lock = threading.Lock()
        self._running: set[threading.Event] = set()
        self._busy = threading.Condition()

    # --- the plugin itself ---

    def Handshake(self, request: Any, _context: Any) -> Any:
        if request.engine_address:
            self._voice.at(request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def Attach(self, request: Any, _context: Any) -> Any:
        self._voice.at(request.address)
        return empty_pb2.Empty()

    def GetPluginInfo(self, _request: Any, _context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=self._provider.version)

    def GetSchema(self, _request: Any, _context: Any) -> Any:
        return provider_pb2.GetSchemaResponse(schema=self._provider.schema())

    def CheckConfig(self, request: Any, _context: Any) -> Any:
        props, secrets = decode(request.news)
        failures = self._provider.check_config(props)
        return _checked(props, failures, secrets)

    def DiffConfig(self, request: Any, _context: Any) -> Any:
        olds, _ = decode(request.old_inputs)
        news, _ = decode(request.news)
        changed = [name for name in sorted({*olds, *news} - {"version"}) if olds.get(name) != news.get(name)]
        some = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        replaces = ["uri"] if self._moves(request.urn, olds.get("uri"), news.get("uri")) else []
        return provider_pb2.DiffResponse(changes=some, diffs=changed, replaces=replaces)

    def Configure(self, request: Any, _context: Any) -> Any:
        args, _ = decode(request.args)
        if not args:
            args = {name.partition(":config:")[2]: value for name, value in request.variables.items()}
        self._uri = args.get("uri") or self._provider.default_uri()
        self._provider.prepare()
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    @answering
    def Invoke(self, request: Any, _context: Any) -> Any:
        raise HandlerError(
            f"function {request.tok} is not supported by this plugin",
            hint="read the host with `quietcore inventory URI`, or write what the function would have computed",
        )

    def Cancel(self, _request: Any, _context: Any) -> Any:
        self.cancel()
        return empty_pb2.Empty()

    def cancel(self) -> None:
        """Ask what runs to stop at its next safe point. Comes at every normal end too: idle, it means nothing."""
        with self._busy:
            for event in self._running:
                event.set()

    # --- resources ---

    @answering
    def Check(self, request: Any, _context: Any) -> Any:
        news, secrets = decode(request.news)
        olds, _ = decode(request.olds)
        reason = self._provider.unsupported.get(_type_of(request.urn))
        if reason:
            return provider_pb2.CheckResponse(failures=[provider_pb2.CheckFailure(reason=reason)])
        handler = self._handler(request.urn)
        props, failures = handler.check(news, olds or None, Mark.of(request.urn))
        return _checked(props, failures, _with_derived(handler, secrets))

    @answering
    def Diff(self, request: Any, _context: Any) -> Any:
        olds, _ = decode(request.olds)
        old_inputs, hidden = decode(request.old_inputs)
        news, more = decode(request.news)
        handler = self._handler(request.urn)
        old = State(request.id, old_inputs, olds)
        changes = handler.diff(old, news)
        told = _veiled(changes, hidden | more)
        line = handler.summary(old, news, told, self._host())
        if line is not None:
            self._voice.log(request.urn, *line)
        return difference(changes, old_inputs, news)

    @answering
    def Create(self, request: Any, _context: Any) -> Any:
        inputs, secrets = decode(request.properties)
        handler = self._handler(request.urn)
        if request.preview:
            self._foresee(request, handler, inputs, None)
            outputs = handler.predict(inputs, None)
            return provider_pb2.CreateResponse(properties=self._outputs(handler, outputs, secrets))
        with self._operation(request, secrets) as ctx:
            state = handler.create(inputs, ctx)
        return provider_pb2.CreateResponse(
            id=state.id,
            properties=self._outputs(handler, state.outputs, secrets | state.secrets),
            refresh_before_update=True,
        )

    @answering
    def Read(self, request: Any, _context: Any) -> Any:
        inputs, secrets = decode(request.inputs)
        outputs, _ = decode(request.properties)
        handler = self._handler(request.urn)
        saved = State(request.id, inputs, outputs)
        try:
            with self._operation(request) as ctx:
                found = handler.read(saved, ctx)
        except Unreachable as refusal:
            if not inputs:  # an import has nothing saved to fall back on
                raise
            self._voice.log(request.urn, Severity.WARNING, f"not observed: {refusal.message}")
            return provider_pb2.ReadResponse(
                id=request.id, properties=request.properties, inputs=request.inputs, refresh_before_update=True
            )
        if found is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=found.id,
            properties=self._outputs(handler, found.outputs, secrets | found.secrets),
            inputs=encode(found.inputs, _with_derived(handler, secrets) & found.inputs.keys()),
            refresh_before_update=True,
        )

    @answering
    def Update(self, request: Any, _context: Any) -> Any:
        olds, _ = decode(request.olds)
        old_inputs, _ = decode(request.old_inputs)
        news, secrets = decode(request.news)
        handler = self._handler(request.urn)
        old = State(request.id, old_inputs, olds)
        if request.preview:
            self._foresee(request, handler, news, old)
            outputs = handler.predict(news, old)
            return provider_pb2.UpdateResponse(properties=self._outputs(handler, outputs, secrets))
        with self._operation(request, secrets) as ctx:
            state = handler.update(old, news, ctx)
        return provider_pb2.UpdateResponse(
            properties=self._outputs(handler, state.outputs, secrets | state.secrets), refresh_before_update=True
        )

    @answering
    def Delete(self, request: Any, _context: Any) -> Any:
        outputs, _ = decode(request.properties)
        inputs, _ = decode(request.old_inputs)
        with self._operation(request) as ctx:
            self._handler(request.urn).delete(State(request.id, inputs, outputs), ctx)
        return empty_pb2.Empty()

    # --- within ---

    def _moves(self, urn: str, old: Any, new: Any) -> bool:
        """Whether the URI leads to another host; said once, though the engine asks for each resource that moves."""
        if UNKNOWN in (old, new):
            return False
        default = self._provider.default_uri()
        move = self._provider.move(str(old or default), str(new or default))
        with self._lock:
            fresh = move.warning not in self._told
            self._told.add(move.warning)
        if move.warning and fresh:
            self._voice.log(urn, Severity.WARNING, move.warning)
        return move.elsewhere

    def abort_partial(self, error: PartialError, context: Any) -> None:
        """Tell the engine that the object exists though the operation failed; it keeps the state and goes on later."""
        detail = any_pb2.Any()
        detail.Pack(
            provider_pb2.ErrorResourceInitFailed(
                id=error.state.id,
                properties=encode(error.state.outputs, error.state.secrets),
                inputs=encode(error.state.inputs, error.state.secrets),
                reasons=[str(error)],
                refresh_before_update=True,
            )
        )
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=error.message, details=[detail])
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(grpc.StatusCode.UNKNOWN, error.message)

    def _foresee(self, request: Any, handler: Handler, inputs: Props, old: State | None) -> None:
        """Ask the host what it would refuse, where it answers; where it does not, say so."""
        try:
            with self._operation(request) as ctx:
                handler.foresee(inputs, old, ctx)
        except Unreachable as refusal:
            self._voice.log(request.urn, Severity.WARNING, f"not observed: {refusal.message}")

    def _handler(self, urn: str) -> Handler:
        token = _type_of(urn)
        with self._lock:
            if token not in self._handlers:
                if token not in self._provider.handlers:
                    reason = self._provider.unsupported.get(token, "this plugin does not know it")
                    raise HandlerError(f"{token}: {reason}")
                handler = self._handlers[token] = self._provider.handlers[token]()
                if self._uri and self._uri is not UNKNOWN:
                    handler.uri = str(self._uri)
            return self._handlers[token]

    @contextmanager
    def _operation(self, request: Any, secrets: frozenset[str] = frozenset()) -> Iterator[Context]:
        """Run one operation that a cancellation may reach; the process does not end while it lasts."""
        event = threading.Event()
        with self._busy:
            self._running.add(event)
        try:
            yield self._context(request, event)
        except PartialError as error:
            hidden = error.state.secrets | _with_derived(self._handler(request.urn), secrets)
            raise PartialError(error.message, replace(error.state, secrets=hidden), hint=error.hint) from error
        finally:
            with self._busy:
                self._running.discard(event)
                self._busy.notify_all()

    def _context(self, request: Any, event: threading.Event) -> Context:
        uri = "" if self._uri is UNKNOWN else str(self._uri)

        def connect() -> Any:
            if not uri:
                raise Unreachable("the provider's uri is not known yet")
            return self._provider.connect(uri)

        return Context(
            urn=request.urn,
            mark=Mark.of(request.urn),
            uri=uri,
            connect=connect,
            log=functools.partial(self._voice.log, request.urn),
            status=functools.partial(self._voice.status, request.urn),
            cancelled=event,
            name_host=self._provider.host,
            timeout=getattr(request, "timeout", 0.0) or None,
        )

    def _host(self) -> str:
        return "a host not known yet" if self._uri is UNKNOWN else self._provider.host(str(self._uri))

    @staticmethod
    def _outputs(handler: Handler, outputs: Props, secrets: frozenset[str]) -> Any:
        return encode(outputs, _with_derived(handler, secrets))

    def wait_idle(self) -> None:
        """Return when no operation is under way."""
        with self._busy:
            self._busy.wait_for(lambda: not self._running)


def _with_derived(handler: Handler, secrets: frozenset[str]) -> frozenset[str]:
    """Add what is made from all inputs together, once any of them is secret."""
    return secrets | handler.derived if secrets else secrets


def _type_of(urn: str) -> str:
    """Give the type token: the last of the types in the URN (parents come first, joined by `$`)."""
    return urn.split("::", 3)[2].rsplit("$", 1)[-1] if urn.count("::") >= 3 else ""


def _checked(props: Props, failures: list[Any], secrets: frozenset[str]) -> Any:
    return provider_pb2.CheckResponse(
        inputs=encode(props, secrets & props.keys()),
        failures=[provider_pb2.CheckFailure(property=item.path, reason=item.reason) for item in failures],
    )


def _veiled(changes: list[Any], secrets: frozenset[str]) -> list[Any]:
    """Keep secret values out of what is said: where any input is secret, say which property changes and no more."""
    if not secrets:
        return changes
    return [replace(change, text=f"{change.path} changes") for change in changes]
