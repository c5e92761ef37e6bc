"""Services with their endpoints and shares."""

from lab.kube.kinds.endpointslice import EndpointConditions
from lab.kube.kinds.service import ServicePort
from lab.views.page import Subject
from lab.views.services import FOLD, external_text, ports_text, service_rows, services_page
from lab.views.spans import plain, width
from lab.views.states import endpoint_state
from lab.views.ways_in import ways_in
from tests.tui.demo import endpoints, pod, service

WEB = service("web", "LoadBalancer", "10.96.0.12", ServicePort(port=80, node_port=30080), external="203.0.113.10")
PODS = [pod(f"web-{i}", f"worker-{i}", ready=i != 2, ip=f"10.244.{i}.7") for i in range(3)]
RATES = {"web-0": 20.0, "web-1": 10.0, "web-2": 0.0}


def rows(pods=PODS):  # type: ignore[no-untyped-def]
    slices = [endpoints("web", 8080, pods)]
    return service_rows([WEB], slices, lambda ns, name: 30.0, lambda ns, of, name: RATES.get(name, 1.0))


def text(size: int) -> list[str]:
    page = services_page(rows(), size)
    return [plain(each).rstrip() for each in page.lines]


def test_a_wide_pane_has_a_table() -> None:
    assert text(80) == [
        " NAME                      TYPE         CLUSTER-IP      PORTS       READY   RPS",
        " web                       LoadBalancer 10.96.0.12      80:30080      2/3    30",
        "   external 203.0.113.10",
        "   ● 10.244.0.7:8080  ━━━━━━━━    20/s  web-0  worker-0",
        "   ● 10.244.1.7:8080  ━━━━        10/s  web-1  worker-1",
        "   ◐ 10.244.2.7:8080               0/s  web-2  not ready",
    ]


def test_a_narrow_pane_takes_two_lines_a_service() -> None:
    assert text(48)[:3] == [
        " web LoadBalancer                   2/3    30/s",
        "   10.96.0.12  80:30080  external 203.0.113.10",
        "   ● 10.244.0.7:8080  ━━━━━━━━    20/s  worker-0",
    ]


def test_lines_have_the_width_of_the_pane() -> None:
    for size in (40, 48, 66, 80):
        assert {width(each) for each in services_page(rows(), size).lines} == {size}


def test_services_and_their_pods_can_be_selected() -> None:
    subjects = [target.subject for target in services_page(rows(), 80).targets]
    assert subjects[:2] == [Subject("Service", "default", "web"), Subject("Pod", "default", "web-0")]


def test_many_endpoints_fold_and_those_in_trouble_stay() -> None:
    pods = [pod(f"p-{i}", "worker-1", ready=i != 50, ip=f"10.244.1.{i + 2}") for i in range(60)]
    drawn = [plain(each) for each in services_page(rows(pods), 80).lines]
    assert sum("10.244.1." in each for each in drawn) == FOLD - 1
    assert any("10.244.1.52:8080" in each and "not ready" in each for each in drawn)
    assert drawn[-1].strip() == "and 49 more endpoints"


def test_a_balancer_without_a_provider_is_pending() -> None:
    pending = service("web", "LoadBalancer", "10.96.0.12", ServicePort(port=80, node_port=30080))
    assert external_text(pending) == "<pending>"
    assert ports_text(pending) == "80:30080"
    assert plain(ways_in([pending])[0]) == " internet ─✗ LB <pending> ─▶ web"


def test_ways_in_tell_which_nodes_the_balancer_takes() -> None:
    health = [("worker-1", True), ("worker-2", False)]
    assert plain(ways_in([WEB], lambda service: health)[0]) == " internet ─▶ LB 203.0.113.10:80 ─▶ web  nodes ●✖ 1/2"
    node_port = service("shop", "NodePort", "10.96.0.13", ServicePort(port=80, node_port=30081))
    assert plain(ways_in([WEB, node_port], limit=1)[0]).endswith("web  and 1 more")


def test_endpoint_conditions_in_a_word() -> None:
    assert endpoint_state(EndpointConditions()).word == "ready"
    assert endpoint_state(EndpointConditions(ready=False, serving=True, terminating=True)).word == "terminating"
    assert endpoint_state(EndpointConditions(ready=False, serving=False, terminating=True)).word == "not serving"
    assert endpoint_state(EndpointConditions(ready=False)).word == "not ready"
