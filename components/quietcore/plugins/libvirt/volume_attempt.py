"""One attempt at making a volume: its name claimed, and undone as if nothing had been when it fails."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import libvirt

from quietcore.plugins.handler import Cancelled, Context, HandlerError

from .content import SourceError
from .storage_fault import fault
from .stream import Stopped
from .volume_site import Site


class Attempt:
    """The one call that makes the volume; remembers that it did, for only then is there something to undo."""

    def __init__(self, site: Site, name: str) -> None:
        self._site, self._name = site, name
        self._made = False

    def create(self, xml: str, copied: libvirt.virStorageVol | None = None) -> libvirt.virStorageVol:
        """Claim the name and make the volume, as a copy where one is given. Raises libvirtError."""
        self._site.claim.begin()
        pool = self._site.pool
        volume = pool.createXML(xml, 0) if copied is None else pool.createXMLFrom(xml, copied, 0)
        self._made = True
        return volume

    def undo(self) -> str:
        """Remove what was made and the claim; the words to add to the error."""
        try:
            if self._made:
                with contextlib.suppress(libvirt.libvirtError):
                    self._site.pool.storageVolLookupByName(self._name).delete(0)
                if self._name in [volume.name() for volume in self._site.pool.listAllVolumes()]:
                    return "; what was begun could not be removed: the next `pulumi up` makes it anew"
            self._site.claim.clear()
        except libvirt.libvirtError:
            return "; the host could not be asked to remove what was begun: the next `pulumi up` makes it anew"
        return "; nothing of it is left"


@contextlib.contextmanager
def undone(site: Site, name: str, ctx: Context) -> Iterator[Attempt]:
    """Take away what was begun when the body fails: a half-made volume must not look finished."""
    attempt = Attempt(site, name)
    try:
        yield attempt
    except Stopped:
        left = attempt.undo()
        if not ctx.cancelled.is_set():
            hint = "allow more: ResourceOptions(custom_timeouts=CustomTimeouts(create='1h'))"
            raise fault(ctx, site.subject, f"the upload took longer than {ctx.timeout:g} s{left}", hint) from None
        raise Cancelled(f"{site.subject}: the upload was stopped{left}") from None
    except SourceError as error:
        raise SourceError(f"{error}{attempt.undo()}", error.hint) from error
    except HandlerError as error:
        error.message = f"{error.message}{attempt.undo()}"
        error.args = (error.message,)
        raise
    except BaseException:
        attempt.undo()
        raise
