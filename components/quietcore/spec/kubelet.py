"""A kubelet's configuration, as far as real-time rules care (kubelet.config.k8s.io/v1beta1, KubeletConfiguration)."""

from __future__ import annotations

from quietcore.spec.spec import Spec


class KubeletSpec(Spec):
    """What a kubelet is configured with. ``None`` and empty mean: the file does not say, so the kubelet's default."""
