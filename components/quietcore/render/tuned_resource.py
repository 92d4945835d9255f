"""OpenShift's ``Tuned`` object (tuned.openshift.io/v1), both ways: profiles as text, and which nodes use them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from quietcore.render import tuned_conf
from quietcore.render.tuned_ini import TunedError, text_of
from quietcore.spec.tuned import TunedAdvice, TunedProfileSpec, TunedResourceSpec

API: Final = "tuned.openshift.io/v1"

_MOST: Final = 1000


def render(resource: TunedResourceSpec) -> dict[str, Any]:
    """Give the object as plain data."""
    metadata = {"name": resource.name, **({"namespace": resource.namespace} if resource.namespace else {})}
    profiles = [{"name": profile.name, "data": _data(profile)} for profile in resource.profiles]
    return {
        "apiVersion": API,
        "kind": "Tuned",
        "metadata": metadata,
        "spec": {"profile": profiles, "recommend": [_advice(each) for each in resource.recommend]},
    }


def lift(document: Mapping[str, Any], name: str = "") -> TunedResourceSpec:
    """Read the object from plain data; ``name`` is its file's. Raises TunedError that names the key, and the line
    within a profile's text."""
    metadata = _mapping(document.get("metadata", {}), "metadata", name)
    spec = _mapping(document.get("spec", {}), "spec", name)
    profiles = _items(spec.get("profile"), "spec.profile", name)
    advice = _items(spec.get("recommend"), "spec.recommend", name)
    return TunedResourceSpec(
        name=_text(metadata.get("name", ""), "metadata.name", name),
        namespace=_text(metadata.get("namespace", ""), "metadata.namespace", name),
        profiles=tuple(_lift_profile(each, path, name) for path, each in profiles),
        recommend=tuple(_lift_advice(each, path, name) for path, each in advice),
        unread=tuple(f"spec.{key}" for key in spec if key not in ("profile", "recommend")),
    )


def _data(profile: TunedProfileSpec) -> str:
    if profile.foreign:
        return text_of(profile)
    raise TunedError(
        "a profile of ours needs its script",
        where=f'tuned profile "{profile.name}"',
        given="a profile for a machine's own tuned",
        hint="write its tuned.conf as a file of the machine",
    )


def _advice(advice: TunedAdvice) -> dict[str, Any]:
    labels = {"machineConfigLabels": dict(advice.labels)} if advice.labels else {}
    match = {"match": [{"label": label} for label in advice.match]} if advice.match else {}
    return {**labels, **match, "priority": advice.priority, "profile": advice.profile}


def _lift_profile(item: Mapping[str, Any], path: str, name: str) -> TunedProfileSpec:
    called = _text(item.get("name", ""), f"{path}.name", name)
    text = _text(item.get("data", ""), f"{path}.data", name)
    try:
        lifted = tuned_conf.lift({f"{called}/tuned.conf": text})
    except TunedError as fault:
        line = fault.where.rpartition(", ")[2] if ", line " in fault.where else ""
        where = ", ".join(part for part in (name, f"{path}.data", line) if part)
        raise TunedError(
            fault.what, where=where, given=fault.given, allowed=fault.allowed, hint=f"mend {where}"
        ) from None
    return lifted.model_copy(update={"name": called})


def _lift_advice(item: Mapping[str, Any], path: str, name: str) -> TunedAdvice:
    priority = item.get("priority", 0)
    if isinstance(priority, bool) or not isinstance(priority, int):
        raise _refused(f"{path}.priority", priority, "a whole number", name)
    labels = _mapping(item.get("machineConfigLabels") or {}, f"{path}.machineConfigLabels", name)
    return TunedAdvice(
        profile=_text(item.get("profile", ""), f"{path}.profile", name),
        priority=priority,
        labels={str(key): str(value) for key, value in labels.items()},
        match=tuple(_labels(item.get("match"), f"{path}.match", name)),
    )


def _labels(value: object, path: str, name: str) -> Iterator[str]:
    """The labels of a match and of those within it, which all have to hold."""
    waiting, seen = list(reversed(_items(value, path, name))), 0
    while waiting:
        place, each = waiting.pop()
        seen += 1
        if seen > _MOST:
            raise _refused(path, "matches within matches", f"at most {_MOST} of them", name)
        if label := _text(each.get("label", ""), f"{place}.label", name):
            yield label
        waiting += reversed(_items(each.get("match"), f"{place}.match", name))


def _items(value: object, path: str, name: str) -> list[tuple[str, Mapping[str, Any]]]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _refused(path, value, "a list", name)
    return [(f"{path}[{index}]", _mapping(each, f"{path}[{index}]", name)) for index, each in enumerate(value)]


def _mapping(value: object, path: str, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _refused(path, value, "a mapping", name)
    return value


def _text(value: object, path: str, name: str) -> str:
    if not isinstance(value, str):
        raise _refused(path, value, "a text", name)
    return value


def _refused(path: str, value: object, allowed: str, name: str) -> TunedError:
    where = f"{name}, {path}" if name else path
    return TunedError("not a Tuned object", where=where, given=repr(value)[:80], allowed=allowed, hint=f"mend {path}")
