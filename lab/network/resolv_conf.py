"""/etc/resolv.conf of a client, as its kubelet wrote it: by dnsPolicy and dnsConfig of the Pod."""

from __future__ import annotations

from typing import NamedTuple

from lab.kube.kinds.pod import Pod
from lab.network.addresses import normalize
from lab.settings import Settings

UPSTREAM = "upstream"
"""Stands for the resolver outside that the node itself uses."""
MOST_NAMESERVERS = 3
"""resolv.conf(5), MAXNS."""


class ResolvConf(NamedTuple):
    """What a stub resolver goes by."""

    nameservers: tuple[str, ...]
    search: tuple[str, ...] = ()
    ndots: int = 1
    timeout_s: float = 5.0
    attempts: int = 2

    def names(self, host: str) -> list[str]:
        """The full names to try, in order: one with fewer dots than ndots goes through the search path first."""
        if host.endswith("."):
            return [host[:-1]]
        searched = [f"{host}.{suffix}" for suffix in self.search]
        return [host, *searched] if host.count(".") >= self.ndots else [*searched, host]

    def lines(self) -> list[str]:
        """The file."""
        servers = [f"nameserver {'(of the node)' if ip == UPSTREAM else ip}" for ip in self.nameservers]
        search = [f"search {' '.join(self.search)}"] if self.search else []
        return [*servers, *search, f"options ndots:{self.ndots} timeout:{self.timeout_s:g} attempts:{self.attempts}"]


def node_resolv_conf(settings: Settings) -> ResolvConf:
    """A node's own file."""
    return ResolvConf((UPSTREAM,), (), 1, settings.dns_timeout_s, settings.dns_attempts)


def cluster_resolv_conf(settings: Settings, namespace: str) -> ResolvConf:
    """The file of a Pod with dnsPolicy ClusterFirst."""
    domain = settings.cluster_domain
    search = (f"{namespace}.svc.{domain}", f"svc.{domain}", domain)
    return ResolvConf(
        (settings.cluster_dns_ip,), search, settings.dns_ndots, settings.dns_timeout_s, settings.dns_attempts
    )


def pod_resolv_conf(settings: Settings, pod: Pod) -> ResolvConf:
    """The file of a Pod: what dnsPolicy makes it, with what dnsConfig adds and overrides.

    ClusterFirst means Default for a Pod in its node's network; only ClusterFirstWithHostNet does not.
    """
    spec = pod.spec
    in_cluster = spec.dns_policy == "ClusterFirstWithHostNet" or (
        spec.dns_policy == "ClusterFirst" and not spec.host_network
    )
    if in_cluster:
        base = cluster_resolv_conf(settings, pod.namespace)
    elif spec.dns_policy == "None":
        base = node_resolv_conf(settings)._replace(nameservers=())
    else:
        base = node_resolv_conf(settings)
    config = spec.dns_config
    if config is None:
        return base
    options = {option.name: option.value or "" for option in config.options}
    return ResolvConf(
        tuple(ip for ip in dict.fromkeys((*base.nameservers, *map(normalize, config.nameservers))) if ip)[
            :MOST_NAMESERVERS
        ],
        tuple(dict.fromkeys((*base.search, *(name.rstrip(".").lower() for name in config.searches)))),
        int(_number(options.get("ndots"), base.ndots)),
        max(1.0, _number(options.get("timeout"), base.timeout_s)),
        max(1, int(_number(options.get("attempts"), base.attempts))),
    )


def _number(text: str | None, otherwise: float) -> float:
    return float(text) if text is not None and text.isdecimal() else otherwise
