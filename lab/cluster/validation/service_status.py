"""The status of a Service: the addresses that its load balancer answers on (KEP-1860 for ipMode)."""

from __future__ import annotations

from lab.cluster.errors import forbidden, invalid, required, unsupported
from lab.cluster.validation.ips import address_errors
from lab.cluster.validation.names import Errors, faulty, subdomain_faults
from lab.kube.ip import read_address
from lab.kube.kinds.service import LoadBalancerIngress, Service
from lab.kube.versions import Features

IP_MODES = ("Proxy", "VIP")
_PATH = "status.loadBalancer.ingress"


def status_errors(new: Service, old: Service | None, features: Features) -> Errors:
    """What is wrong with `status.loadBalancer`."""
    ingress = new.status.load_balancer.ingress
    if new.spec.type != "LoadBalancer" and ingress and not features.allow_service_lb_status_on_non_lb:
        yield forbidden(_PATH, "may only be used when `spec.type` is LoadBalancer")
        return
    known = [each.ip for each in old.status.load_balancer.ingress] if old is not None else []
    for index, each in enumerate(ingress):
        yield from _ingress(each, f"{_PATH}[{index}]", known, features)


def _ingress(ingress: LoadBalancerIngress, path: str, known: list[str], features: Features) -> Errors:
    if ingress.ip:
        yield from address_errors(f"{path}.ip", ingress.ip, features, known)
    mode = ingress.ip_mode
    if mode is None:
        if ingress.ip and features.load_balancer_ip_mode:
            yield required(f"{path}.ipMode", "must be specified when `ip` is set")
    elif not ingress.ip:
        yield forbidden(f"{path}.ipMode", "may not be specified when `ip` is not set")
    elif mode not in IP_MODES:
        yield unsupported(f"{path}.ipMode", mode, IP_MODES)
    if ingress.hostname:
        yield from faulty(f"{path}.hostname", ingress.hostname, subdomain_faults(ingress.hostname))
        if read_address(ingress.hostname).value is not None:
            yield invalid(f"{path}.hostname", ingress.hostname, "must be a DNS name, not an IP address")
