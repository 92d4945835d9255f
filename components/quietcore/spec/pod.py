"""A pod, and what is shared by pods of a class. Everything with a pod template is a pod here, with its kind."""

from __future__ import annotations

from quietcore.spec.spec import Spec


class PodSpec(Spec):
    """A pod or a pod template; ``kind`` says which object holds it."""

    name: str = ""
    namespace: str = "default"
    kind: str = "Pod"


class RuntimeClassSpec(Spec):
    """A RuntimeClass (node.k8s.io/v1)."""

    name: str
    handler: str = ""
