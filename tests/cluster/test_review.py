"""`lab validate`: every error with its place, typos, and what is legal and almost surely wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.cli import main
from lab.cluster.review.review import Review, review
from lab.settings import Settings

DEPLOYMENT = """\
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
        - {name: app, image: "shop/web:1", ports: [{name: http, containerPort: 8080}]}
"""


def service(spec: str, name: str = "web") -> str:
    return f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {spec}\n"


def manifest(*documents: str) -> str:
    return "---\n".join(documents)


@pytest.fixture
def reviewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def run(text: str, old: str = "", **settings: str) -> Review:
        Path("new.yaml").write_text(text)
        Path("old.yaml").write_text(old)
        return review(["new.yaml"], ["old.yaml"] if old else [], Settings(**settings))

    return run


def said(found: Review) -> list[str]:
    return [f"{each.severity} {each.line} {each.field}" for each in found.findings]


def test_what_is_right_is_right(reviewed) -> None:
    found = reviewed(manifest(DEPLOYMENT, service("{selector: {app: web}, ports: [{port: 80, targetPort: http}]}")))
    assert (said(found), found.status(strict=True)) == ([], 0)
    assert found.text() == "2 documents: 0 errors, 0 warnings"


def test_every_error_of_every_document_is_there_with_its_line(reviewed) -> None:
    good = [service("{clusterIP: None}", name=f"web-{number}") for number in range(200)]
    ports = "    - {port: 0, targetPort: 80}\n    - port: x\n"
    good[120] = f"apiVersion: v1\nkind: Service\nmetadata: {{name: bad}}\nspec:\n  ports:\n{ports}"
    found = reviewed(manifest(*good))
    first = 120 * 5
    assert [each for each in said(found) if each.startswith("error")] == [
        f"error {first + 6} spec.ports[0].name",
        f"error {first + 6} spec.ports[0].port",
        f"error {first + 7} spec.ports[1].port",
        f"error {first + 7} spec.ports[1].name",
    ]
    assert found.documents == 200


def test_a_document_that_is_no_yaml_hides_no_other(reviewed) -> None:
    found = reviewed(manifest("a: [1\n", service("{ports: [{port: 70000, targetPort: 80}]}")))
    assert [each for each in said(found) if each.startswith("error")] == ["error 2 ", "error 6 spec.ports[0].port"]


@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [
        ("{ports: [{port: 80}], clusterIP: 1.2.3.4}", "spec.clusterIPs", "does not match the current range"),
        ("{ports: [{port: 80, nodePort: 30080}]}", "spec.ports[0].nodePort", "may not be used when `type` is"),
        ("{type: NodePort, ports: [{port: 80, nodePort: 80}]}", "spec.ports[0].nodePort", "not in the valid range"),
        ("{type: ExternalName}", "spec.externalName", "Required value"),
    ],
)
def test_the_api_servers_refusals(reviewed, spec: str, field: str, message: str) -> None:
    errors = [each for each in reviewed(service(spec)).findings if each.severity == "error"]
    assert [each.field for each in errors] == [field]
    assert message in errors[0].message


def test_two_services_cannot_have_one_node_port(reviewed) -> None:
    spec = "{type: NodePort, clusterIP: 10.96.1.1, ports: [{port: 80, nodePort: 30080}]}"
    found = reviewed(manifest(service(spec, "one"), service(spec, "two")))
    errors = [each for each in found.findings if each.severity == "error"]
    assert [(each.name, each.field) for each in errors] == [
        ("two", "spec.clusterIPs"),
        ("two", "spec.ports[0].nodePort"),
    ]
    assert all(each.message.endswith("(service/one has it)") for each in errors)


def test_what_cannot_be_given_is_told_beside_what_is_wrong(reviewed) -> None:
    ports = "ports: [{port: 0, targetPort: 80, nodePort: 30080}]"
    found = reviewed(
        manifest(
            service(f"{{type: NodePort, clusterIP: 1.2.3.4, {ports}}}", "one"),
            service("{type: NodePort, ports: [{port: 80, nodePort: 30080}]}", "two"),
            service("{type: NodePort, ports: [{port: x, nodePort: 80}]}", "three"),
        )
    )
    errors = [(each.name, each.field) for each in found.findings if each.severity == "error"]
    assert errors == [
        ("one", "spec.ports[0].port"),
        ("one", "spec.clusterIPs"),
        ("two", "spec.ports[0].nodePort"),
        ("three", "spec.ports[0].port"),
        ("three", "spec.ports[0].nodePort"),
    ]


def test_a_fault_in_one_item_of_a_list_hides_no_other_item(reviewed) -> None:
    ports = ["{port: x}"] + [f"{{name: p{index}, port: {80 + index}}}" for index in range(1, 12)]
    ports[1] = "{name: p1, port: 0, targetPort: 1}"
    ports[10] = "{name: p10, port: 0, targetPort: 1, protocol: UDP}"
    found = reviewed(service(f"{{clusterIP: None, ports: [{', '.join(ports)}]}}"))
    fields = [each.field for each in found.findings if each.severity == "error"]
    assert fields == ["spec.ports[0].port", "spec.ports[0].name", "spec.ports[1].port", "spec.ports[10].port"]


def test_a_name_that_cannot_be_read_hides_no_bad_namespace(reviewed) -> None:
    text = service("{clusterIP: None}").replace("name: web", "name: on, namespace: Shop")
    assert said(reviewed(text)) == ["error 3 metadata.name", "error 3 metadata.namespace"]


def test_a_change_is_judged_against_what_the_cluster_holds(reviewed) -> None:
    old = service("{ports: [{port: 80}], clusterIP: 10.96.1.1}")
    assert "error 4 spec.clusterIPs[0]" in said(reviewed(service("{ports: [{port: 80}], clusterIP: 10.96.1.2}"), old))
    assert not reviewed(service("{type: NodePort, ports: [{port: 80}]}"), old).count("error")


def test_the_release_and_the_ranges_can_be_chosen(reviewed) -> None:
    text = service("{ports: [{port: 80}], clusterIP: 10.1.0.7, trafficDistribution: PreferSameNode}")
    assert not reviewed(text, service_cidr="10.1.0.0/16").count("error")
    assert "error 4 spec.trafficDistribution" in said(reviewed(text, service_cidr="10.1.0.0/16", kubernetes="1.33"))


def test_a_misspelt_field_is_a_warning_and_an_unknown_one_is_none(reviewed) -> None:
    text = service("{clusterIP: None, selector: {app: web}, ports: [{port: 8080, tagetPort: 8080, colour: red}]}")
    found = reviewed(manifest(DEPLOYMENT, text))
    assert [(each.field, each.message) for each in found.findings] == [
        ("spec.ports[0].tagetPort", 'unknown field, did you mean "targetPort"?')
    ]


@pytest.mark.parametrize(
    ("api_version", "kind", "message"),
    [
        ("v2", "Service", "; it is in v1"),
        ("apps/v2", "Deployment", "; it is in apps/v1"),
        ("v1", "Deployment", "; it is in apps/v1"),
        ("v3", "ConfigMap", "; it is in v1"),
        ("extensions/v1beta1", "Deployment", None),
        ("networking.k8s.io/v1beta1", "Ingress", None),
        ("serving.knative.dev/v1", "Service", None),
    ],
)
def test_a_kind_is_looked_for_in_its_version(reviewed, api_version: str, kind: str, message: str | None) -> None:
    spec = DEPLOYMENT.partition("spec:")[2] if kind == "Deployment" else " {}"
    found = reviewed(f"apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: web}}\nspec:{spec}\n")
    errors = [each.message for each in found.findings if each.severity == "error"]
    wrong = f'no matches for kind "{kind}" in version "{api_version}"{message}'
    assert errors == ([] if message is None else [wrong])


def test_whatever_stands_in_a_manifest_a_finding_is_one_line(reviewed) -> None:
    text = service('{clusterIP: None, selector: "a\\nb\\e[2J"}').replace("name: web", 'name: "w\\neb"')
    lines = reviewed(text).text().splitlines()
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)
    assert lines[0].startswith("new.yaml:3: error: service/w\\neb: metadata.name: ")


def test_a_misspelt_kind_is_an_error_and_a_custom_resource_is_none(reviewed) -> None:
    text = "apiVersion: {}\nkind: {}\nmetadata: {{name: {}}}\n"
    found = reviewed(manifest(text.format("v1", "Servce", "one"), text.format("example.com/v1", "Servce", "two")))
    assert [each.message for each in found.findings] == [
        'no matches for kind "Servce" in version "v1", did you mean "Service"?'
    ]


@pytest.mark.parametrize(
    ("spec", "warning"),
    [
        (
            "{selector: {app: wbe}, ports: [{port: 80}]}",
            'matches no Pod or workload in these files (app=wbe in namespace default), did you mean "web"?',
        ),
        (
            "{selector: {app: web}, ports: [{port: 80, targetPort: htpp}]}",
            '"htpp" is no port of deployment/web, did you mean "http"?',
        ),
        (
            "{selector: {app: web}, ports: [{port: 80}]}",
            "80/TCP is no port of deployment/web; its containers declare 8080/TCP",
        ),
        (
            "{selector: {app: web}, ports: [{port: 53, targetPort: http, protocol: UDP}]}",
            '"http" is no port of deployment/web, which has it for TCP and not UDP',
        ),
        (
            "{selector: {app: web}, clusterIP: None, ports: [{port: 80, targetPort: 8080}]}",
            "a headless Service maps no ports: clients must use 8080 themselves",
        ),
        (
            "{selector: {app: web}, internalTrafficPolicy: Local, ports: [{port: 80, targetPort: 8080}]}",
            "Local: clients on a node without one of its 3 Pods get no answer; usually it is for a DaemonSet",
        ),
        (
            "{selector: {app: web}, type: NodePort, externalTrafficPolicy: Local, ports: [{port: 8080}]}",
            "Local: a node without one of its 3 Pods drops what arrives at its node port",
        ),
        ("{type: ExternalName, externalName: 192.0.2.7}", "is an address; the CNAME that DNS answers needs a name"),
    ],
)
def test_what_is_legal_and_almost_surely_wrong(reviewed, spec: str, warning: str) -> None:
    found = reviewed(manifest(DEPLOYMENT, service(spec)))
    assert [(each.severity, each.message) for each in found.findings] == [("warning", warning)]


def test_containers_that_declare_no_ports_may_listen_on_any(reviewed) -> None:
    silent = DEPLOYMENT.replace(", ports: [{name: http, containerPort: 8080}]", "")
    assert said(reviewed(manifest(silent, service("{selector: {app: web}, ports: [{port: 80}]}")))) == []


def test_a_daemon_set_is_a_workload_too(reviewed) -> None:
    daemons = DEPLOYMENT.replace("Deployment", "DaemonSet").replace("  replicas: 3\n", "")
    text = service("{selector: {app: web}, internalTrafficPolicy: Local, ports: [{port: 80, targetPort: 8080}]}")
    assert said(reviewed(manifest(daemons, text))) == []


JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {restartPolicy: Never, containers: [{name: web, image: web:1, ports: [{name: http, containerPort: 8080}]}]}
"""
CRON_JOB = """\
apiVersion: batch/v1
kind: CronJob
metadata: {name: tick}
spec:
  schedule: "*/5 * * * *"
  jobTemplate:
    spec:
      template:
        metadata: {labels: {app: web}}
        spec:
          restartPolicy: Never
          containers: [{name: web, image: web:1, ports: [{name: http, containerPort: 8080}]}]
"""


@pytest.mark.parametrize("text", [JOB, CRON_JOB])
@pytest.mark.parametrize(("port", "fine"), [("http", True), ("htpp", False)])
def test_jobs_and_cron_jobs_are_workloads_too(reviewed, text: str, port: str, fine: bool) -> None:
    found = reviewed(manifest(text, service(f"{{selector: {{app: web}}, ports: [{{port: 80, targetPort: {port}}}]}}")))
    assert (said(found) == []) == fine


def test_a_job_may_be_selected_by_its_name(reviewed) -> None:
    by_name = service("{selector: {job-name: once}, ports: [{port: 80, targetPort: 8080}]}")
    assert said(reviewed(manifest(JOB, by_name))) == []


def test_a_wrong_schedule_is_found_with_its_line(reviewed) -> None:
    (found,) = reviewed(CRON_JOB.replace("*/5 *", "*/5 24")).findings
    assert (found.line, found.field) == (5, "spec.schedule")
    assert found.message == 'Invalid value: "*/5 24 * * *": end of range (24) above maximum (23): 24'


def test_two_services_with_one_selector(reviewed) -> None:
    spec = "{selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}"
    found = reviewed(manifest(DEPLOYMENT, service(spec), service(spec, "shop")))
    assert [(each.name, each.message) for each in found.findings] == [("shop", "is the same as that of service/web")]


SLICE = """\
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: db-1, labels: {{{}}}}}
addressType: IPv4
ports: [{{name: postgres, port: 5432}}]
endpoints: [{{addresses: [192.0.2.7]}}]
"""


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("", "the slice belongs to no Service"),
        ("kubernetes.io/service-name: bd", 'there is no Service "bd" in namespace default in these files'),
        ("kubernetes.io/service-name: db", 'service/db has no port named "postgres": it is never used'),
    ],
)
def test_slices_that_point_nowhere(reviewed, labels: str, message: str) -> None:
    found = reviewed(manifest(service("{ports: [{port: 5432}]}", "db"), SLICE.format(labels)))
    assert [each.severity for each in found.findings] == ["warning"]
    assert message in found.findings[0].message


@pytest.mark.parametrize(
    ("address", "labels", "message"),
    [
        ("192.0.2.7", "", ""),
        ("10.96.0.10", "", "endpoints[0].addresses[0]: 10.96.0.10 is a cluster IP"),
        ("10.244.3.4", "", "endpoints[0].addresses[0]: 10.244.3.4 can only be a Pod's"),
        ("10.244.3.4", ", endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io", ""),
    ],
)
def test_endpoints_written_by_hand_whose_address_nobody_has(reviewed, address: str, labels: str, message: str) -> None:
    text = SLICE.format(f"kubernetes.io/service-name: db{labels}").replace("192.0.2.7", address)
    found = reviewed(manifest(service("{ports: [{name: postgres, port: 5432}]}", "db"), text))
    assert [message in str(each) for each in found.findings] == ([True] if message else [])


@pytest.mark.parametrize(("selector", "count"), [("{}", 1), ("{app: db}", 0)])
def test_endpoints_of_a_selector_are_a_controllers_affair(reviewed, selector: str, count: int) -> None:
    endpoints = "apiVersion: v1\nkind: Endpoints\nmetadata: {name: db}\nsubsets: [{addresses: [{ip: 10.244.0.9}]}]\n"
    found = reviewed(manifest(service(f"{{selector: {selector}, ports: [{{port: 5432}}]}}", "db"), endpoints))
    assert sum("can only be a Pod's" in each.message for each in found.findings) == count


def test_ports_that_cannot_be_read_are_not_guessed(reviewed) -> None:
    web = DEPLOYMENT.replace("containerPort: 8080", "containerPort: http")
    found = reviewed(manifest(web, service("{selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}")))
    assert said(found) == ["error 11 spec.template.spec.containers[0].ports[0].containerPort"]


INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: edge}
spec:
  rules:
    - http:
        paths:
          - {path: /, pathType: Prefix, backend: {service: {name: web, port: {name: https}}}}
"""


def test_an_ingress_that_names_a_port_nothing_has(reviewed) -> None:
    web = service("{selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}")
    found = reviewed(manifest(DEPLOYMENT, web, INGRESS))
    assert [each.message for each in found.findings] == ['service/web has no port "https"; it has http']


POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: web}}
spec: {{podSelector: {{matchLabels: {{app: web}}}}, policyTypes: [Egress], egress: {}}}
"""
DNS = "{to: [{namespaceSelector: {}}], ports: [{port: 53, protocol: UDP}]}"


@pytest.mark.parametrize(
    ("egress", "cut"),
    [
        ("[]", True),
        ("[{ports: [{port: 443}]}]", True),
        ("[{to: [{podSelector: {}}]}]", True),
        ("[{}]", False),
        (f"[{DNS}]", False),
        ("[{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}]}]", False),
        ("[{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: other}}}]}]", True),
        ("[{ports: [{port: 1, endPort: 1024, protocol: UDP}]}]", False),
        ("[{ports: [{port: 53}]}]", True),
        ("[{ports: [{port: dns-tcp}]}]", True),
        ("[{ports: [{port: dns, protocol: UDP}]}]", False),
    ],
)
def test_a_policy_that_cuts_dns(reviewed, egress: str, cut: bool) -> None:
    found = reviewed(manifest(DEPLOYMENT, POLICY.format(egress)))
    assert [("names will not resolve" in each.message) for each in found.findings] == [True] * cut


def test_a_port_of_a_policy_without_a_protocol_is_tcp_and_names_are_asked_for_over_udp(reviewed) -> None:
    (found,) = reviewed(manifest(DEPLOYMENT, POLICY.format("[{ports: [{port: 53}]}]"))).findings
    assert "UDP 53 in kube-system; a port without a protocol is TCP" in found.message


@pytest.mark.parametrize(
    ("port", "message"),
    [
        ("{port: http}", ""),
        ("{port: htpp}", '"htpp" is no TCP port of deployment/web, did you mean "http"?'),
        ("{port: http, protocol: UDP}", '"http" is no UDP port of deployment/web'),
        ("{port: 4711}", ""),
    ],
)
def test_a_policy_may_name_a_port_that_none_of_its_pods_has(reviewed, port: str, message: str) -> None:
    meta = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: in}\n"
    policy = f"{meta}spec: {{podSelector: {{matchLabels: {{app: web}}}}, ingress: [{{ports: [{port}]}}]}}\n"
    found = reviewed(manifest(DEPLOYMENT, policy))
    assert [(each.field, each.message) for each in found.findings] == (
        [("spec.ingress[0].ports[0].port", message)] if message else []
    )


def test_another_policy_may_allow_it(reviewed) -> None:
    other = POLICY.format(f"[{DNS}]").replace("name: web}", "name: dns}").replace("{matchLabels: {app: web}}", "{}")
    assert said(reviewed(manifest(DEPLOYMENT, POLICY.format("[]"), other))) == []


# -- the command ------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path("shop.yaml")


def test_status_tells_errors_and_warnings_apart(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(service("{selector: {app: web}, ports: [{port: 80}]}"))
    assert (main(["validate", str(file)]), main(["validate", str(file), "--strict"])) == (0, 2)
    file.write_text(service("{ports: [{port: 0}]}"))
    assert main(["validate", str(file), "--strict"]) == 1
    assert "shop.yaml:4: error: service/web: spec.ports[0].port: Invalid value: 0: must be" in capsys.readouterr().out


def test_json_says_the_same(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(service("{type: NodePort, ports: [{port: 80, nodePort: 80}]}"))
    assert main(["validate", str(file), "-o", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["documents"], found["errors"], found["warnings"]) == (1, 1, 0)
    assert found["findings"] == [
        {
            "severity": "error",
            "file": "shop.yaml",
            "line": 4,
            "kind": "Service",
            "namespace": "",
            "name": "web",
            "field": "spec.ports[0].nodePort",
            "message": "Invalid value: 80: provided port is not in the valid range. "
            "The range of valid ports is 30000-32767",
        }
    ]


def test_a_file_that_is_not_there_is_an_error(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(file)]) == 1
    assert "shop.yaml: error: no such file or folder" in capsys.readouterr().out
