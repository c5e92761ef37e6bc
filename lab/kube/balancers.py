"""Who answers Services of type LoadBalancer: the profiles that `load_balancer` names, and what their annotations mean.

A profile is a set of values for the settings, any of which a scenario may override, and a way to choose a target, which
`lab.network.balancer` has. Where its values come from stands beside them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec

from lab.kube.errors import LabError, nearest
from lab.kube.kinds.service import Service

AWS_NLB, GCP, METALLB_L2, NONE = "aws-nlb", "gcp", "metallb-l2", "none"

TARGET_TYPE_ANNOTATION = "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type"
TYPE_ANNOTATION = "service.beta.kubernetes.io/aws-load-balancer-type"
GATE_PREFIX = "target-health.elbv2.k8s.aws/"
INJECT_LABEL = "elbv2.k8s.aws/pod-readiness-gate-inject"
"""On a Namespace, with the value `enabled`: new Pods there wait for their balancer."""


class BalancerProfile(msgspec.Struct, frozen=True, kw_only=True):
    """One provider."""

    name: str
    about: str
    classes: tuple[str, ...] = ()
    """The loadBalancerClass values that it takes, besides none at all."""
    controller: str = "service-controller"
    """Who says the events below."""
    begun: tuple[str, str] | None = None
    """Reason and message of the event when it begins to make a balancer."""
    done: tuple[str, str] = ("EnsuredLoadBalancer", "Ensured load balancer")
    """The same when the Service has its address; `{ips}` in it are the addresses."""
    settings: Mapping[str, Any] = {}
    """The values that differ from the defaults of `lab.settings`, which are those of gcp."""


PROFILES: dict[str, BalancerProfile] = {
    profile.name: profile
    for profile in (
        BalancerProfile(
            name=AWS_NLB,
            about="a Network Load Balancer made by the AWS Load Balancer Controller",
            classes=("service.k8s.aws/nlb",),
            controller="aws-load-balancer-controller",
            done=("SuccessfullyReconciled", "Successfully reconciled"),
            settings={
                # aws-load-balancer-controller, docs/guide/service/annotations.md and pkg/service/model_builder.go
                "lb_health_interval_s": 10.0,
                "lb_health_timeout_s": 10.0,
                "lb_healthy_threshold": 3,
                "lb_unhealthy_threshold": 3,
                "lb_local_health_timeout_s": 6.0,
                "lb_local_healthy_threshold": 2,
                "lb_local_unhealthy_threshold": 2,
                # AWS's support in kubernetes-sigs/aws-load-balancer-controller#1834: 180 to 300 s, then the first check
                "lb_registration_s": 180.0,
                # Elastic Load Balancing, "Edit target group attributes" and "Health checks for NLB target groups"
                "lb_deregistration_delay_s": 300.0,
                "lb_unhealthy_termination": True,
                "lb_fail_open": True,
            },
        ),
        BalancerProfile(
            name=GCP,
            about="a passthrough Network Load Balancer made by Google's cloud provider",
            begun=("EnsuringLoadBalancer", "Ensuring load balancer"),
        ),
        BalancerProfile(
            name=METALLB_L2,
            about="MetalLB in layer 2 mode: one node at a time answers for an address",
            controller="metallb-controller",
            done=("IPAllocated", "Assigned IP {ips}"),
            settings={
                "lb_provision_s": 0.1,
                # hashicorp/memberlist, DefaultLANConfig: a probe each second that waits for 0.5 s, and a suspicion of
                # four seconds: who is silent for five probes is dead
                "lb_health_interval_s": 1.0,
                "lb_health_timeout_s": 0.5,
                "lb_healthy_threshold": 1,
                "lb_unhealthy_threshold": 5,
            },
        ),
        BalancerProfile(name=NONE, about="nobody: EXTERNAL-IP stays pending"),
    )
}


def profile_of(name: str) -> BalancerProfile:
    """The profile of that name; raises LabError for others."""
    found = PROFILES.get(name)
    if found is None:
        raise LabError(f'there is no load balancer "{name}": {", ".join(PROFILES)}{nearest(name, PROFILES)}')
    return found


def targets_pods(service: Service) -> bool:
    """Whether an NLB sends straight to the Service's Pods (target type `ip`) instead of to node ports (`instance`)."""
    annotations = service.metadata.annotations
    return annotations.get(TARGET_TYPE_ANNOTATION) == "ip" or annotations.get(TYPE_ANNOTATION) == "nlb-ip"


def target_group_of(service: Service) -> str:
    """The name of its TargetGroupBinding, shaped like `k8s-default-web-1f2d3c4b5a`."""
    name = f"{service.namespace}/{service.name}"
    parts = (re.sub(r"[^A-Za-z0-9]", "", part)[:8] for part in (service.namespace, service.name))
    return f"k8s-{'-'.join(parts)}-{sha256(name.encode()).hexdigest()[:10]}"


def readiness_gate_of(service: Service) -> str:
    """The condition that the AWS Load Balancer Controller sets on Pods that are healthy targets."""
    return GATE_PREFIX + target_group_of(service)


def hostname_of(service: Service) -> str:
    """The public name of its NLB."""
    return f"{target_group_of(service)}.elb.lab.amazonaws.com"
