import pytest

from lab.kube.patch import merge_patch, strategic_patch

POD = {"containers": [{"name": "web", "image": "web:1", "env": [{"name": "A", "value": "1"}]}, {"name": "log"}]}


def test_a_merge_patch_takes_null_fields_away_and_replaces_lists():
    """RFC 7386, section 3."""
    assert merge_patch({"a": 1, "b": {"c": [1, 2], "d": 2}}, {"a": None, "b": {"c": [3]}}) == {"b": {"c": [3], "d": 2}}


@pytest.mark.parametrize(
    ("change", "images"),
    [
        ([{"name": "web", "image": "web:2"}], {"web": "web:2", "log": None}),
        ([{"name": "new", "image": "new:1"}], {"web": "web:1", "log": None, "new": "new:1"}),
        ([{"name": "log", "$patch": "delete"}], {"web": "web:1"}),
    ],
)
def test_a_strategic_patch_tells_containers_by_their_names(change, images):
    patched = strategic_patch(POD, {"containers": change})
    assert {each["name"]: each.get("image") for each in patched["containers"]} == images


def test_a_strategic_patch_keeps_what_it_does_not_name():
    patched = strategic_patch(POD, {"containers": [{"name": "web", "env": [{"name": "B", "value": "2"}]}]})
    assert patched["containers"][0] == {
        "name": "web",
        "image": "web:1",
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
    }


def test_a_strategic_patch_tells_the_ports_of_a_service_by_their_numbers():
    spec = {"ports": [{"port": 80, "targetPort": 8080}, {"port": 443}]}
    assert strategic_patch(spec, {"ports": [{"port": 80, "targetPort": 9090}]}) == {
        "ports": [{"port": 80, "targetPort": 9090}, {"port": 443}]
    }


def test_a_list_without_a_merge_key_is_replaced():
    assert strategic_patch({"args": ["a", "b"]}, {"args": ["c"]}) == {"args": ["c"]}


def test_a_mapping_can_be_replaced_whole():
    spec = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}
    assert strategic_patch(spec, {"strategy": {"$patch": "replace", "type": "Recreate"}}) == {
        "strategy": {"type": "Recreate"}
    }


def test_what_is_patched_stays_as_it_was():
    before = {"containers": [{"name": "web", "image": "web:1"}]}
    strategic_patch(before, {"containers": [{"name": "web", "image": "web:2"}]})
    assert before == {"containers": [{"name": "web", "image": "web:1"}]}
