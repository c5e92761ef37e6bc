"""Why a request failed that no rule and no link stopped: what happened before there was a connection, and after.

Together with `lab.network.reasons`, which says why a packet did not get through, these are all the reasons that
`Tally.record` counts, and the outcomes of requests that were never sent or never ended.
"""

from __future__ import annotations

from lab.network import dns_lookup
from lab.network.reasons import REASONS, Reason

# -- the name
NXDOMAIN = "nxdomain"
NODATA = "nodata"
DNS_TIMEOUT = "dns-timeout"
DNS_SERVFAIL = "dns-servfail"
DNS_REFUSED = "dns-refused"

# -- the app
STATUS_500 = "status-500"
STATUS_503 = "status-503"
SERVER_ENDED = "server-ended"
SERVER_OVERLOADED = "server-overloaded"

# -- the sender
UNSENT = "unsent"
UNFINISHED = "unfinished"

FAILURES: dict[str, Reason] = {
    NXDOMAIN: Reason(
        "The name does not resolve: no Service, Pod or node has it, and the client gives up without connecting.",
        "Look at the spelling and the namespace: dig NAME --from POD tells which names were asked for.",
    ),
    NODATA: Reason(
        "The name exists, and no address of a family that the client has stands behind it.",
        "A headless Service has addresses only while a Pod of it is Ready: kubectl get endpointslices.",
    ),
    DNS_TIMEOUT: Reason(
        "No DNS server answered before the client gave up, so it never learned the address.",
        "Look at kube-dns in kube-system, at the nodes on which its Pods run, and at egress policies for port 53.",
    ),
    DNS_SERVFAIL: Reason(
        "The DNS server answered that it cannot find out (SERVFAIL), as CoreDNS does when its upstream is silent.",
        "Names outside of the cluster need the upstream: lab upstream says how it is.",
    ),
    DNS_REFUSED: Reason(
        "The question for the address was refused at once: nobody listens at the DNS server's address.",
        "Look whether kube-dns in kube-system has ready endpoints.",
    ),
    STATUS_500: Reason("The app answered with status 500; its error_rate says how often it does."),
    STATUS_503: Reason(
        "The app answered with status 503: one that it calls did not answer well, or too many requests wait in line.",
        "Look at the apps that it calls, then at its workers and its backlog.",
    ),
    SERVER_ENDED: Reason(
        "The Pod ended, or had ended, while it was asked, and the connection was reset.",
        "Let it finish what is in progress (shutdown: graceful), and give it a preStop sleep.",
    ),
    SERVER_OVERLOADED: Reason(
        "Too many requests waited in line at the Pod, so it reset the connection.",
        "More replicas, or more workers and backlog for the app.",
    ),
    UNSENT: Reason(
        "The request was due while its sender, a Pod or a node, was not there to send it.",
        "Look when the Pods in `from` were Ready and their nodes had power.",
    ),
    UNFINISHED: Reason(
        "The request had neither an answer nor a timeout when nobody waited for it any longer.",
        "Give the clients a timeout.",
    ),
}


_OF_LOOKUP = {
    dns_lookup.NXDOMAIN: NXDOMAIN,
    dns_lookup.NODATA: NODATA,
    dns_lookup.TIMEOUT: DNS_TIMEOUT,
    dns_lookup.SERVFAIL: DNS_SERVFAIL,
    dns_lookup.REFUSED: DNS_REFUSED,
}


def of_lookup(outcome: str) -> str:
    """The reason of a request whose name was looked up in vain, by how that ended (`DnsAnswer.outcome`)."""
    return _OF_LOOKUP[outcome]


def explained(code: str) -> Reason:
    """What a reason for a failed request means."""
    return REASONS.get(code) or FAILURES[code]
