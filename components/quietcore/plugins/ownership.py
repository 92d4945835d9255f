"""Whose an object is, in a form that the object itself carries.

Domains and networks bear a metadata element, written in the same call that makes them. Pools cannot carry metadata: the
UUID of one of ours is derived from its mark, and nobody else's is.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from quietcore.plugins.handler import Mark

if TYPE_CHECKING:
    from lxml import etree

NAMESPACE: Final = "urn:quietcore:owner:1"
PREFIX: Final = "quietcore"
TAG: Final = f"{{{NAMESPACE}}}owner"

# Our own name space for derived UUIDs (RFC 9562, version 5), itself derived from the URN above.
UUIDS: Final = uuid.uuid5(uuid.NAMESPACE_URL, NAMESPACE)


def put_mark(root: etree._Element, mark: Mark) -> None:
    """Write `mark` under the root's `<metadata>`, which is made where it is missing; an older mark goes."""
    from lxml import etree

    metadata = root.find("metadata")
    if metadata is None:
        metadata = etree.Element("metadata")
        root.insert(1 if len(root) else 0, metadata)  # after <name>; libvirt takes any order
    for old in metadata.findall(TAG):
        metadata.remove(old)
    owner = etree.SubElement(metadata, TAG, nsmap={PREFIX: NAMESPACE})
    owner.set("project", mark.project)
    owner.set("stack", mark.stack)
    owner.set("name", mark.name)


def mark_in(root: etree._Element) -> Mark | None:
    """Read the mark that the XML bears, or None: then it is not ours."""
    owner = root.find(f"metadata/{TAG}")
    if owner is None:
        return None
    return Mark(project=owner.get("project", ""), stack=owner.get("stack", ""), name=owner.get("name", ""))


def strip_mark(root: etree._Element) -> None:
    """Take the mark out again, and `<metadata>` with it when nothing else is in it."""
    metadata = root.find("metadata")
    if metadata is None:
        return
    for owner in metadata.findall(TAG):
        metadata.remove(owner)
    if not len(metadata):
        root.remove(metadata)


def derived_uuid(kind: str, mark: Mark) -> str:
    """Give the UUID that an object of this kind and mark has: the same on every host and every run."""
    return str(uuid.uuid5(UUIDS, "\x1f".join((kind, mark.project, mark.stack, mark.name))))
