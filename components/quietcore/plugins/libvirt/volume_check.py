"""What can be said of a Volume's inputs before any host is asked. UNKNOWN may stand anywhere."""

from __future__ import annotations

from typing import Any, Final

from quietcore.errors import QuietcoreError
from quietcore.plugins.handler import UNKNOWN, Failure, Mark, Props
from quietcore.render.element import element
from quietcore.render.stylesheet import apply_stylesheet

from .qcow2 import HEAD_BYTES, ImageError, ImageFacts, image_facts
from .source import Source
from .storage_name import foreign_inputs, not_text, settle_name
from .storage_xml import xslt_of

INPUTS: Final = (
    "baseVolumeId",
    "baseVolumeName",
    "baseVolumePool",
    "format",
    "name",
    "pool",
    "size",
    "source",
    "xml",
)
FORMATS: Final = ("qcow2", "raw")
DEFAULT_POOL: Final = "default"


def check_volume(new: Props, old: Props | None, mark: Mark, token: str) -> tuple[Props, list[Failure]]:
    """The inputs with name and pool filled in, and everything that is wrong with them."""
    made = {key: value for key, value in new.items() if value is not None}
    made.setdefault("pool", DEFAULT_POOL)
    texts = ("baseVolumeId", "baseVolumeName", "baseVolumePool", "format", "pool", "source")
    failures = [*foreign_inputs(made, INPUTS, "Volume"), *not_text(made, texts)]
    if failures:
        return made, failures
    failures += settle_name(made, old, mark, token)
    failures += _origin(made)
    failures += _size(made.get("size"))
    if made.get("format", UNKNOWN) not in (UNKNOWN, *FORMATS, (old or {}).get("format")):
        failures.append(Failure("format", f"must be one of {', '.join(FORMATS)}, given {made['format']!r}"))
    failures += _stylesheet(made)
    return made, failures or _content(made)


def local_image(inputs: Props) -> tuple[ImageFacts, int] | None:
    """Format and length in bytes of a source that is a readable local file; None for any other.

    Raises ImageError for a file that cannot become a volume.
    """
    text = inputs.get("source")
    if not isinstance(text, str):
        return None
    try:
        source = Source.parse(text)
        if source.remote or not source.path.is_file():
            return None
        with source.path.open("rb") as file:
            return image_facts(file.read(HEAD_BYTES), inputs.get("format")), source.path.stat().st_size
    except ImageError:
        raise
    except (OSError, ValueError):
        return None


def _origin(made: Props) -> list[Failure]:
    failures = []
    given = [key for key in ("source", "baseVolumeId", "baseVolumeName") if key in made]
    if len(given) > 1:
        failures.append(Failure(given[1], f"cannot stand beside {given[0]}: a volume has one origin"))
    if "baseVolumePool" in made and "baseVolumeName" not in made:
        failures.append(Failure("baseVolumePool", "says where baseVolumeName is to be found, which is missing"))
    if not given and "size" not in made:
        failures.append(Failure("size", "is needed for an empty volume: bytes, such as 10737418240 for 10 GiB"))
    if isinstance(made.get("source"), str):
        try:
            Source.parse(made["source"])
        except ValueError as error:
            failures.append(Failure("source", str(error)))
    return failures


def _size(size: Any) -> list[Failure]:
    if size is None or size is UNKNOWN:
        return []
    if isinstance(size, bool) or not isinstance(size, int) or size <= 0:
        return [Failure("size", f"must be a whole number of bytes above 0, given {size!r}")]
    return []


def _stylesheet(made: Props) -> list[Failure]:
    xslt = xslt_of(made)
    if not xslt:
        return []
    try:
        apply_stylesheet(element("volume"), xslt)
    except QuietcoreError as error:
        return [Failure("xml.xslt", f"{error.what}: {error.given}")]
    return []


def _content(made: Props) -> list[Failure]:
    """Judge the head of a local image: what it is, against the format and size that the program gives."""
    try:
        image = local_image(made)
    except ImageError as error:
        return [Failure("source", f"{made['source']}: {error}")]
    if image is None:
        return []
    facts, length = image
    wrong = format_fault(made.get("format"), facts)
    if wrong:
        return [Failure("format", wrong)]
    smallest = facts.virtual_size or length
    if isinstance(made.get("size"), int) and made["size"] < smallest:
        return [Failure("size", f"must be at least the size of the image, {smallest} bytes, given {made['size']}")]
    return []


def format_fault(given: Any, facts: ImageFacts) -> str:
    """Empty when the stated format is that of the image, or none is stated."""
    if given in (None, UNKNOWN) or given == facts.format:
        return ""
    return f"says {given!r}, but the image is {facts.format}: give {facts.format!r} or leave it out"
