"""OpenShift's Tuned objects."""

import pytest

from quietcore.render.tuned_ini import TunedError
from quietcore.render.tuned_resource import lift, render
from quietcore.spec import TunedProfileSpec
from quietcore.spec.tuned import TunedAdvice, TunedResourceSpec

PATCH = {
    "apiVersion": "tuned.openshift.io/v1",
    "kind": "Tuned",
    "metadata": {"name": "performance-patch", "namespace": "openshift-cluster-node-tuning-operator"},
    "spec": {
        "managementState": "Managed",
        "profile": [
            {
                "name": "performance-patch",
                "data": "[main]\ninclude=openshift-node-performance-plant\n[sysctl]\nkernel.timer_migration=1\n",
            }
        ],
        "recommend": [
            {
                "machineConfigLabels": {"machineconfiguration.openshift.io/role": "master"},
                "match": [{"label": "a", "match": [{"label": "b", "type": "pod"}]}],
                "priority": 19,
                "profile": "performance-patch",
            }
        ],
    },
}


def test_profiles_are_read_from_their_text_and_labels_from_every_depth():
    resource = lift(PATCH)
    (profile,) = resource.profiles
    assert (profile.name, profile.include) == ("performance-patch", "openshift-node-performance-plant")
    assert profile.sysctl == {"kernel.timer_migration": "1"}
    (advice,) = resource.recommend
    assert (advice.priority, advice.match) == (19, ("a", "b"))
    assert resource.unread == ("spec.managementState",)


def test_an_object_is_lifted_from_its_rendering():
    resource = TunedResourceSpec(
        name="patch",
        namespace="n",
        profiles=(TunedProfileSpec(name="p", role="host", include="x", foreign=True, sections={"vm": {"a": "b"}}),),
        recommend=(TunedAdvice(profile="p", priority=19, labels={"a": "b"}, match=("c",)),),
    )
    assert lift(render(resource)) == resource


def _but(**spec: object) -> dict[str, object]:
    return {**PATCH, "spec": {**PATCH["spec"], **spec}}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({**PATCH, "spec": []}, "spec"),
        ({**PATCH, "metadata": {"name": 1}}, "metadata.name"),
        (_but(profile={}), "spec.profile"),
        (_but(profile=["x"]), "spec.profile[0]"),
        (_but(profile=[{"name": "x", "data": None}]), "spec.profile[0].data"),
        (_but(profile=[{"name": "x", "data": "[main]\n=x\n"}]), "spec.profile[0].data, line 2"),
        (_but(recommend=[{"priority": "19"}]), "spec.recommend[0].priority"),
        (_but(recommend=[{"priority": True}]), "spec.recommend[0].priority"),
        (_but(recommend=[{"match": [1]}]), "spec.recommend[0].match[0]"),
    ],
)
def test_what_is_no_tuned_object_is_refused_at_its_place(document: dict[str, object], where: str):
    with pytest.raises(TunedError) as refused:
        lift(document, "patch.yaml")
    assert refused.value.where == f"patch.yaml, {where}"


def test_a_match_that_holds_itself_is_refused():
    inner: dict[str, object] = {"label": "a"}
    match = [inner, inner]
    inner["match"] = match
    with pytest.raises(TunedError):
        lift(_but(recommend=[{"match": match}]))
