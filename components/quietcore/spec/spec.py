"""The one base of all specs, and how plain data becomes one: every mistake told, none hidden by another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError

from quietcore.spec.finding import Finding, Refused
from quietcore.spec.shape import TITLES
from quietcore.units import CpuSet, Duration, Quantity, Size


class Spec(BaseModel):
    """A frozen value; unknown keys are forbidden. Dump it with ``dump()``: defaults are left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)

    def dump(self) -> dict[str, Any]:
        """Plain JSON data without the values that are defaults, so that a new default changes no saved state."""
        return self.model_dump(mode="json", exclude_defaults=True)


def _cpu_set(value: object) -> CpuSet:
    return value if isinstance(value, CpuSet) else CpuSet.parse(value)  # type: ignore[arg-type]


def _size(value: object) -> Size:
    return value if isinstance(value, Size) else Size.parse(value)  # type: ignore[arg-type]


def _duration(value: object) -> Duration:
    return value if isinstance(value, Duration) else Duration.parse(value)  # type: ignore[arg-type]


def _quantity(value: object) -> Quantity:
    return value if isinstance(value, Quantity) else Quantity.parse(value)  # type: ignore[arg-type]


def whole(value: object) -> object:
    """Numbers come back from the engine as floats."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _tuple(value: object) -> object:
    """Plain data knows lists only."""
    return tuple(value) if isinstance(value, list) else value


CpuSetField = Annotated[CpuSet, BeforeValidator(_cpu_set), PlainSerializer(str, return_type=str)]
SizeField = Annotated[Size, BeforeValidator(_size), PlainSerializer(str, return_type=str)]
DurationField = Annotated[Duration, BeforeValidator(_duration), PlainSerializer(str, return_type=str)]
QuantityField = Annotated[Quantity, BeforeValidator(_quantity), PlainSerializer(str, return_type=str)]
Whole = Annotated[int, BeforeValidator(whole)]
_Item = TypeVar("_Item")
Tuple = Annotated[tuple[_Item, ...], BeforeValidator(_tuple)]

_S = TypeVar("_S", bound=Spec)


def spec_of(kind: type[_S], data: Mapping[str, Any], where: str = "") -> _S:
    """Build a spec from plain data; ``where`` names the thing for the reader. Raises Refused with all findings.

    Codes: S01 unknown key, S02 wrong value, S03 an Output where a plain value belongs, S04 a key is missing.
    """
    outputs = [path for path, value in _leaves(data) if _is_output(value)]
    faults: list[Any] = []
    try:
        spec = kind.model_validate(dict(data))
    except ValidationError as invalid:
        faults = [error for error in invalid.errors(include_url=False) if not _stems(_path(error["loc"]), outputs)]
    if outputs or faults:
        raise Refused([_output(path, where) for path in outputs] + [_finding(error, kind, where) for error in faults])
    return spec


def _stems(path: str, outputs: list[str]) -> bool:
    """Whether a fault at ``path`` only says that an Output stands there, or within it, or that it stands in one."""
    return any(_encloses(output, path) or _encloses(path, output) for output in outputs)


def _encloses(outer: str, inner: str) -> bool:
    return inner.startswith(outer) and inner[len(outer) :][:1] in ("", ".", "[")


def _leaves(data: object, path: tuple[object, ...] = ()) -> list[tuple[str, object]]:
    if isinstance(data, Mapping):
        return [leaf for key, value in data.items() for leaf in _leaves(value, (*path, key))]
    if isinstance(data, list | tuple):
        return [leaf for index, value in enumerate(data) for leaf in _leaves(value, (*path, index))]
    return [(_path(path), data)]


def _path(parts: Iterable[object]) -> str:
    """A path as a reader writes it: ``cells[0].memory``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).removeprefix(".")


def _is_output(value: object) -> bool:
    return type(value).__module__.startswith("pulumi") and hasattr(value, "apply")


def _output(path: str, where: str) -> Finding:
    return Finding(
        code="S03",
        title=TITLES["S03"],
        where=_place(where, path),
        given="a pulumi.Output, whose value is not known at preview",
        allowed="a plain value: real-time facts are proved before anything is applied",
        hint="write the value itself, or read it from stack configuration with pulumi.Config().get",
    )


def _finding(error: Any, kind: type[Spec], where: str) -> Finding:
    place = [str(part) for part in error["loc"]]
    path, given = _place(where, _path(error["loc"])), error.get("input")
    if error["type"] == "extra_forbidden":
        near = get_close_matches(place[-1], _known(kind, place[:-1]), n=1)
        return Finding(
            code="S01",
            title=TITLES["S01"],
            where=path,
            given=place[-1],
            allowed=", ".join(sorted(_known(kind, place[:-1]))),
            hint=f'did you mean "{near[0]}"?' if near else f'remove "{place[-1]}"',
        )
    if error["type"] == "missing":
        return Finding(code="S04", title=TITLES["S04"], where=path, given="nothing", hint=f'add "{place[-1]}"')
    cause = error.get("ctx", {}).get("error")
    if hasattr(cause, "what"):
        return Finding(
            code="S02", title=cause.what, where=path, given=cause.given, allowed=cause.allowed, hint=cause.hint
        )
    reason = str(cause) if cause else error["msg"]
    quoted = error["type"] == "int_type" and isinstance(given, str) and given.isdecimal()
    hint = f"write {int(given)}, without quotes" if quoted else ""
    return Finding(code="S02", title=TITLES["S02"], where=path, given=repr(given), allowed=_plain(reason), hint=hint)


def _place(where: str, path: str) -> str:
    return ", ".join(part for part in (where, path) if part)


def _known(kind: type[Spec], path: list[str]) -> list[str]:
    """The keys that are allowed at ``path`` of a spec, found by walking its annotations."""
    here: Any = kind
    for part in path:
        fields = getattr(here, "model_fields", {})
        if part in fields:
            here = _model_in(fields[part].annotation)
    return list(getattr(here, "model_fields", {}))


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in getattr(annotation, "__args__", ()) if (found := _model_in(inner))), None)


def _plain(message: str) -> str:
    return message.removeprefix("Input should be ").removeprefix("Value error, ")
