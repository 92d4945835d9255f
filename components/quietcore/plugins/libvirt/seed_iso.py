"""The NoCloud seed: an ISO image labelled `cidata` with user-data, meta-data and network-config.

Made in-process and byte-identical for the same texts: all dates are fixed, so a digest tells whether the content of a
disk is what the program says.
"""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pycdlib

ROUND_BYTES: Final = 1024 * 1024
"""Images are padded to a multiple of this: a changed text seldom changes the size of a disk that is attached."""
_DATE: Final = 315532800.0
"""1980-01-01 UTC, in seconds since the epoch."""
_LABEL: Final = "cidata"
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True)
class Seed:
    """The three texts of a NoCloud seed; an empty network configuration is left out of the image."""

    user_data: str = ""
    meta_data: str = ""
    network_config: str = ""

    def files(self) -> dict[str, str]:
        """File name to text, in the order in which the image holds them."""
        files = {"meta-data": self.meta_data, "user-data": self.user_data}
        return files | ({"network-config": self.network_config} if self.network_config else {})


def build(seed: Seed) -> bytes:
    """The image. Same texts, same bytes."""
    import pycdlib  # 90 ms, which only those pay who make a seed

    with _ONE_AT_A_TIME, _fixed_clock():
        image = pycdlib.PyCdlib()
        image.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident=_LABEL, sys_ident="LINUX")
        for number, (name, text) in enumerate(seed.files().items()):
            data = text.encode()
            image.add_fp(
                io.BytesIO(data),
                len(data),
                f"/FILE{number}.;1",
                rr_name=name,
                joliet_path=f"/{name}",
                file_mode=0o100444,
            )
        out = io.BytesIO()
        image.write_fp(out)
        image.close()
    data = out.getvalue()
    return data + bytes(-len(data) % ROUND_BYTES)


def lift(data: bytes) -> Seed | None:
    """The texts of a seed image, whoever made it; None when it is no readable ISO image with such files."""
    import pycdlib
    from pycdlib.pycdlibexception import PyCdlibException

    image = pycdlib.PyCdlib()
    try:
        image.open_fp(io.BytesIO(data))
    except (PyCdlibException, OSError, ValueError, IndexError):
        return None
    try:
        texts = [_text(image, name) for name in ("user-data", "meta-data", "network-config")]
    finally:
        image.close()
    if texts[0] is None and texts[1] is None:
        return None
    return Seed(*(text or "" for text in texts))


def _text(image: pycdlib.PyCdlib, name: str) -> str | None:
    from pycdlib.pycdlibexception import PyCdlibException

    ways = ([{"rr_path": f"/{name}"}] if image.has_rock_ridge() else []) + (
        [{"joliet_path": f"/{name}"}] if image.has_joliet() else []
    )
    for way in ways:
        out = io.BytesIO()
        try:
            image.get_file_from_iso_fp(out, **way)
        except PyCdlibException:
            continue
        return out.getvalue().decode("utf-8", "replace")
    return None


@contextmanager
def _fixed_clock() -> Iterator[None]:
    from pycdlib import dates, headervd, utils
    from pycdlib import pycdlib as writer

    # The writer has no argument for dates: it asks its module's clock, and the local time zone.
    still = SimpleNamespace(**{name: getattr(time, name) for name in ("gmtime", "strftime", "strptime", "struct_time")})
    still.time = lambda: _DATE
    still.localtime = time.gmtime
    modules = [module for module in (dates, headervd, utils, writer) if hasattr(module, "time")]
    kept = [module.time for module in modules]
    try:
        for module in modules:
            module.time = still
        yield
    finally:
        for module, clock in zip(modules, kept, strict=True):
            module.time = clock
