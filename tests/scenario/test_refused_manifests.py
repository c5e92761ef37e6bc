"""Manifests that the API server would refuse: everything is told with its place before anything runs."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from lab.kube.errors import LabError
from lab.scenario.headless import Options, play
from lab.scenario.loader import load, load_all
from lab.scenario.own_cluster import OwnCluster, scenario_of
from lab.scenario.player import Player
from lab.settings import Settings

TAKEN = "provided port is already allocated"


def service(name: str, spec: str) -> str:
    return f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec:\n  type: NodePort\n{spec}"


def port(number: int) -> str:
    return f"  ports:\n    - port: 80\n      nodePort: {number}\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def problems(read, *arguments: object, **options: object) -> list[str]:
    with pytest.raises(LabError) as error:
        read(*arguments, **options)
    return str(error.value).splitlines()


def own(*paths: str, **options: object) -> OwnCluster:
    return OwnCluster(paths=paths, traffic="none", **options)


# -- a cluster of one's own ------------------------------------------------------------------------------------------


def test_every_refusal_of_every_file_is_told_with_its_place(here: Path) -> None:
    Path("a.yaml").write_text("---\n".join([service("one", port(30080)), service("two", port(30080))]))
    Path("b.yaml").write_text("apiVersion: v1\nkind: Servce\nmetadata: {name: x}\n---\na: [\n")
    Path("c.yaml").write_text(service("c", "  clusterIP: 1.2.3.4\n  ports: many\n"))
    assert problems(scenario_of, own("nowhere", "a.yaml", "b.yaml", "c.yaml")) == [
        "nowhere: no such file or folder",
        f"a.yaml:17: service/two: spec.ports[0].nodePort: Invalid value: 30080: {TAKEN} (service/one has it)",
        'b.yaml:2: servce/x: kind: no matches for kind "Servce" in version "v1", did you mean "Service"?',
        "b.yaml:6: this is not valid YAML: did not find expected node content",
        'c.yaml:6: service/c: spec.clusterIPs: Invalid value: ["1.2.3.4"]: failed to allocate IP 1.2.3.4: '
        "the provided network does not match the current range 10.96.0.0/12",
        'c.yaml:7: service/c: spec.ports: expected a list, got the text "many"',
    ]


def test_one_bad_document_of_two_hundred_is_found_in_it(here: Path) -> None:
    documents = [service(f"s{index}", port(30000 + index)) for index in range(200)]
    documents[150] = service("s150", port(30007))
    Path("all.yaml").write_text("---\n".join(documents))
    (said,) = problems(scenario_of, own("all.yaml"))
    assert said.startswith(f"all.yaml:{150 * 9 + 8}: service/s150: spec.ports[0].nodePort: Invalid value: 30007")


def test_the_ranges_of_the_cluster_are_those_that_were_asked_for(here: Path) -> None:
    both = "  ipFamilyPolicy: RequireDualStack\n"
    Path("a.yaml").write_text(service("web", both + port(40080)))
    said = problems(scenario_of, own("a.yaml"))
    assert [each.split(": ")[2] for each in said] == ["spec.ipFamilyPolicy", "spec.ports[0].nodePort"]
    ranges = Settings(
        service_cidr="10.96.0.0/12,fd00:10:96::/112",
        pod_cidr="10.244.0.0/16,fd00:10:244::/56",
        node_port_range="40000-40100",
    )
    player = Player(scenario_of(own("a.yaml", settings=ranges)))
    player.start()
    assert "service/web created" in player.applied
    player.engine.close()


@pytest.mark.parametrize("text", ["", "---\n# nothing\n", "apiVersion: v1\nkind: List\nitems: []\n"])
def test_files_without_an_object_are_no_cluster(here: Path, text: str) -> None:
    Path("a.yaml").write_text(text)
    assert problems(scenario_of, own("a.yaml")) == ["a.yaml: there is no object in it"]


def test_more_nodes_than_the_range_of_pods_has_room_for(here: Path) -> None:
    Path("a.yaml").write_text(service("web", port(30080)))
    said = problems(scenario_of, own("a.yaml", nodes=3, settings=Settings(pod_cidr="10.1.0.0/24")))
    assert said == ["--nodes 3: --pod-cidr 10.1.0.0/24 has room for 1"]


# -- scenarios ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def scenario(here: Path):
    Path("web.yaml").write_text(service("web", port(30080)))

    def write(text: str) -> str:
        Path("s.yaml").write_text(f"name: x\n{text}")
        return "s.yaml"

    return write


INLINE = """\
manifests:
  - web.yaml
  - apiVersion: v1
    kind: Service
    metadata: {name: inline}
    spec:
      type: NodePort
      ports:
        - {port: 80, nodePort: 30080}
"""


def test_manifests_by_path_and_inline_are_tried_together(scenario) -> None:
    (said,) = problems(load, scenario(INLINE))
    assert (
        said == f"s.yaml:10: service/inline: spec.ports[0].nodePort: Invalid value: 30080: {TAKEN} (service/web has it)"
    )


def test_refusals_stand_beside_what_is_wrong_with_the_scenario(scenario) -> None:
    text = "cluster: {settings: {node_port_range: 31000-31010}}\nmanifests: [web.yaml]\nduration: 0s\n"
    assert [each.split(": ")[1] for each in problems(load, scenario(text))] == ["duration", "service/web"]


def test_what_a_patch_says_wrongly_is_told_at_the_patch_and_the_rest_where_it_was(scenario) -> None:
    text = """\
manifests: [web.yaml]
patches:
  - kind: Service
    metadata: {name: web}
    spec:
      externalTrafficPolicy: Lokal
      clusterIP: 1.2.3.4
"""
    Path("web.yaml").write_text(service("web", port(99)))
    said = problems(load, scenario(text))
    assert [each.split(": ")[0] for each in said] == ["web.yaml:8", "s.yaml:7", "s.yaml:8"]


def test_a_client_pod_with_an_impossible_name_is_told_where_it_is_asked_for(scenario) -> None:
    text = "manifests: [web.yaml]\ntraffic:\n  - {to: 'http://web', rate: 1, from: pod/Client_1}\n"
    (said,) = problems(load, scenario(text))
    assert said.startswith('s.yaml:4: traffic[0].from: "pod/Client_1" cannot be made')


def test_what_is_wrong_with_several_variants_is_told_once(scenario) -> None:
    text = "manifests: [web.yaml]\nvariants:\n  a: {}\n  b: {duration: 0s}\n"
    Path("web.yaml").write_text(service("web", port(99)))
    for read in (load, load_all):
        assert [each.split(": ")[1] for each in problems(read, scenario(text))] == ["service/web", "duration"]


def test_ranges_that_no_cluster_has_are_told_at_their_setting(scenario) -> None:
    text = "cluster:\n  settings:\n    service_cidr: abc\n    node_port_range: x\nmanifests: [web.yaml]\n"
    assert problems(load, scenario(text)) == [
        's.yaml:4: cluster.settings.service_cidr: "abc" is not a network (such as 10.96.0.0/12)',
        's.yaml:5: cluster.settings.node_port_range: "x" is not a range of ports such as "30000-32767"',
    ]


def test_a_port_that_chance_has_given_to_another_is_told_with_its_place_when_the_cluster_boots(scenario) -> None:
    """A Service that asks for no number goes first, as in its file, and may get what a later one asks for."""
    text = "cluster: {settings: {node_port_range: 30000-30001}}\nmanifests: [web.yaml]\n"
    documents = [service("any", "  ports: [{port: 80}]\n"), service("asks", port(30000))]
    Path("web.yaml").write_text("---\n".join(documents))
    said = set()
    for seed in range(8):
        player = Player(load(scenario(text)), seed=seed)
        try:
            player.boot()
        except LabError as error:
            said.add(str(error))
        else:
            player.engine.close()
    place = "web.yaml:15: service/asks: spec.ports[0].nodePort: Invalid value: 30000"
    assert said == {f"{place}: {TAKEN} (service/any has it)"}


# -- timelines ---------------------------------------------------------------------------------------------------------


def test_a_headless_run_prints_every_reason_that_a_command_was_refused_for(scenario) -> None:
    Path("more.yaml").write_text("---\n".join([service("a", port(99)), service("b", port(30080))]))
    out = io.StringIO()
    moment = "  - {at: 1s, run: kubectl apply -f more.yaml}\n"
    passed = play(Player(load(scenario(f"duration: 2s\nmanifests: [web.yaml]\ntimeline:\n{moment}"))), Options(), out)
    said = [line.strip() for line in out.getvalue().splitlines()]
    assert not passed
    assert "| nothing was applied" in said
    assert any(line.startswith("| more.yaml:17: service/b: spec.ports[0].nodePort: ") for line in said)
    assert any("refused: error: more.yaml:8: service/a: spec.ports[0].nodePort: " in line for line in said)


def test_a_story_has_no_standard_input(scenario) -> None:
    player = Player(load(scenario("manifests: [web.yaml]\n")))
    with pytest.raises(LabError, match="standard input can be read from the shell only"):
        player.read_manifests("-")
    player.engine.close()
