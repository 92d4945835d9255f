"""The engine's property bags to plain values and back.

On the wire every number is a float, an unknown is a magic text, and secrets and outputs are objects with a signature.
Handlers see none of that: integers are int, unknowns are `UNKNOWN`, secrets are unwrapped and remembered by name.
Signatures: sdk/proto/pulumi/provider.proto and pkg/resource/plugin/rpc.go of pulumi 3.259.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from google.protobuf import struct_pb2

from quietcore.plugins.handler import UNKNOWN, Props

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"
OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
RESOURCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
UNKNOWN_TEXTS: Final = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # string
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)
UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def decode(struct: struct_pb2.Struct) -> tuple[Props, frozenset[str]]:
    """Give the plain values and the names of the top-level properties that hold a secret anywhere."""
    secrets: set[str] = set()
    props = {}
    for name, value in struct.fields.items():
        found: list[bool] = []
        props[name] = _value(value, found)
        if found:
            secrets.add(name)
    return props, frozenset(secrets)


def encode(props: Mapping[str, Any], secrets: Iterable[str] = ()) -> struct_pb2.Struct:
    """Give the wire form; each top-level property named in `secrets` is wrapped as a whole."""
    hidden = set(secrets)
    struct = struct_pb2.Struct()
    fields = struct.fields
    for name, value in props.items():
        _fill(fields[name], {SIGNATURE: SECRET, "value": value} if name in hidden else value)
    return struct


def has_unknown(value: Any) -> bool:
    """Tell whether a value that only `up` will know stands anywhere in it."""
    if value is UNKNOWN:
        return True
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    return isinstance(value, (list, tuple)) and any(has_unknown(item) for item in value)


def _value(value: struct_pb2.Value, found: list[bool]) -> Any:
    text = value.string_value  # what most values are, seen with one look
    if text:
        return UNKNOWN if text in UNKNOWN_TEXTS else text
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return ""
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_value(item, found) for item in value.list_value.values]
    if kind == "struct_value":
        return _object(value.struct_value, found)
    return None


def _object(struct: struct_pb2.Struct, found: list[bool]) -> Any:
    fields = struct.fields
    signature = fields[SIGNATURE].string_value if SIGNATURE in fields else ""
    if signature == SECRET:
        found.append(True)
        return _value(fields["value"], found)
    if signature == OUTPUT:
        if "secret" in fields and fields["secret"].bool_value:
            found.append(True)
        return _value(fields["value"], found) if "value" in fields else UNKNOWN
    if signature == RESOURCE:
        return _value(fields["id"], found) if "id" in fields else None
    return {name: _value(item, found) for name, item in fields.items()}


def _fill(made: struct_pb2.Value, value: Any) -> None:
    """Write a value where it is to stand: one made apart would be copied again at each depth."""
    if isinstance(value, str):
        made.string_value = value
    elif value is UNKNOWN:
        made.string_value = UNKNOWN_TEXT
    elif value is None:
        made.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, bool):
        made.bool_value = value
    elif isinstance(value, (int, float)):
        made.number_value = value
    elif isinstance(value, Mapping):
        made.struct_value.SetInParent()  # an empty object must still be an object
        fields = made.struct_value.fields
        for name, item in value.items():
            _fill(fields[str(name)], item)
    else:
        made.list_value.SetInParent()
        values = made.list_value.values
        for item in sorted(value) if isinstance(value, (set, frozenset)) else value:
            _fill(values.add(), item)
