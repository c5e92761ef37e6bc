import pytest

from lab.kube.errors import LabError
from lab.scenario.catalogue import TOUR, catalogue, find


def test_every_scenario_that_comes_along_has_a_name_of_its_own_and_says_what_it_is_about():
    entries = catalogue()
    assert len({entry.name for entry in entries}) == len(entries)
    assert all(entry.about for entry in entries)
    assert TOUR in [entry.name for entry in entries]


def test_lessons_come_in_the_order_of_their_folders():
    lessons = [entry.name for entry in catalogue() if entry.folder == "lessons"]
    assert lessons[:3] == ["cluster-ip", "node-port", "load-balancer"]


def test_a_scenario_is_found_by_name_by_path_and_by_folder():
    path = find("cluster-ip")
    assert find(str(path)) == path
    assert find(str(path.parent)) == path
    assert path.name == "lesson.yaml"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("clusterip", 'did you mean "cluster-ip"?'),
        ("zzz", "lab list"),
        ("no/such.yaml", "there is no such file"),
    ],
)
def test_what_is_not_there_is_an_error_with_a_hint(word, message):
    with pytest.raises(LabError) as error:
        find(word)
    assert message in str(error.value)


def test_manifests_beside_a_scenario_are_not_scenarios():
    assert all(entry.path.name not in ("shop.yaml", "web.yaml") for entry in catalogue())
