"""Guest images, built from Debian's packages and cached."""

from __future__ import annotations

from quietcore.lab.images import tier1, tier2
from quietcore.lab.progress import Progress
from quietcore.lab.state import Images

TIERS = ("tier1", "tier2")


def ensure(tiers: tuple[str, ...], progress: Progress) -> Images:
    """Build the images of these tiers unless they are there."""
    return Images(
        tier1=tier1.ensure(progress) if "tier1" in tiers else None,
        tier2=tier2.ensure(progress) if "tier2" in tiers else None,
    )
