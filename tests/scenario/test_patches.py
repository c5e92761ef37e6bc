import pytest

from lab.kube.errors import LabError
from lab.scenario.loader import load, load_all

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: web, image: web:1, ports: [{containerPort: 8080}]}
"""


@pytest.fixture
def scenario(tmp_path):
    (tmp_path / "web.yaml").write_text(WEB)

    def write(text):
        path = tmp_path / "scenario.yaml"
        path.write_text(f"name: x\nmanifests: [web.yaml]\n{text}")
        return path

    return write


def web(loaded):
    return next(obj for obj in loaded.objects if obj.kind == "Deployment")


def test_a_patch_changes_what_it_names_and_leaves_the_rest(scenario):
    text = "patches:\n  - {kind: Deployment, metadata: {name: web}, spec: {replicas: 5}}\n"
    found = web(load(scenario(text)))
    assert found.spec.replicas == 5
    assert found.spec.template.spec.containers[0].image == "web:1"


def test_containers_of_a_patch_are_told_by_name(scenario):
    change = "{template: {spec: {containers: [{name: web, lifecycle: {preStop: {sleep: {seconds: 5}}}}]}}}"
    text = f"patches:\n  - {{kind: Deployment, metadata: {{name: web}}, spec: {change}}}\n"
    [container] = web(load(scenario(text))).spec.template.spec.containers
    assert (container.image, container.lifecycle.pre_stop.sleep.seconds) == ("web:1", 5)


def test_a_variant_can_be_the_same_manifests_with_a_patch(scenario):
    patch = "{kind: Deployment, metadata: {name: web}, spec: {replicas: 1}}"
    broken, fixed = load_all(scenario(f"variants:\n  broken:\n    patches: [{patch}]\n  fixed: {{}}\n"))
    assert [(each.title, web(each).spec.replicas) for each in (broken, fixed)] == [("x (broken)", 1), ("x (fixed)", 3)]


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        (
            "{kind: Deployment, metadata: {name: wbe}}",
            'patches[0]: there is no Deployment "wbe" in the manifests, did you mean "web"?',
        ),
        (
            "{kind: Service, metadata: {name: web}}",
            'patches[0]: there is no Service "web" in the manifests in namespace default',
        ),
        (
            "{kind: Deployment}",
            "patches[0]: expected a kind and a metadata.name, and what is different in that object",
        ),
        (
            "{kind: Deployment, metadata: {name: web}, spec: {replicas: many}}",
            'deployment/web: spec.replicas: expected a whole number, got the text "many"',
        ),
    ],
)
def test_a_patch_that_fits_nothing_is_told_with_its_line(scenario, patch, message):
    path = scenario(f"patches:\n  - {patch}\n")
    with pytest.raises(LabError) as error:
        load(path)
    assert str(error.value) == f"{path}:4: {message}"
