"""What people type out of habit and the lab does not do, each with a sentence about what to use instead."""

from __future__ import annotations

_NOTHING_RUNS = "no container really runs, so that nothing can be run in one"
_FROM_POD = "curl URL --from pod/NAME and dig NAME --from pod/NAME ask from where a Pod is"

COMMANDS: dict[str, str] = {
    "kubectl logs": "no container really runs, so that none writes anything: kubectl get events and kubectl describe "
    "tell what happened to a Pod, and lab explain why a request went where it went",
    "kubectl exec": "no container really runs: of all programs only curl, dig and nslookup can be asked for in one, "
    "as in kubectl exec POD -- curl URL",
    "kubectl attach": f"{_NOTHING_RUNS}: {_FROM_POD}",
    "kubectl debug": f"{_NOTHING_RUNS}: {_FROM_POD}",
    "kubectl cp": f"{_NOTHING_RUNS}, nor copied",
    "kubectl port-forward": f"nothing listens on this machine: {_FROM_POD}, and lab expose lists what is open",
    "kubectl proxy": f"nothing listens on this machine: {_FROM_POD}",
    "kubectl edit": "there is no editor here: kubectl patch, kubectl set and kubectl apply -f FILE change objects",
    "kubectl replace": "kubectl apply -f FILE changes what is there to what the file says",
    "kubectl explain": "kubectl get RESOURCE -o yaml shows the fields that an object has",
    "kubectl diff": "kubectl get RESOURCE -o yaml shows what is there",
    "kubectl config": "there is one cluster, and -n NAMESPACE chooses the namespace",
    "kubectl cluster-info": "kubectl get nodes and kubectl get all -A show the cluster",
    "kubectl version": "kubectl get nodes shows the release; a scenario's cluster.kubernetes or --kubernetes sets it",
    "ping": "there is no ICMP here: lab trace --from SOURCE --to IP:PORT shows the whole way of a packet",
    "traceroute": "lab trace --from SOURCE --to IP:PORT shows the whole way of a packet",
    "wget": "curl URL --from SOURCE asks",
    "nslookup": "dig NAME --from SOURCE asks",
    "iptables": "lab rules --node NODE prints the rules of a node",
    "iptables-save": "lab rules --node NODE prints the rules of a node",
    "nft": "lab rules --node NODE prints the rules of a node",
    "ipvsadm": "lab rules --node NODE prints the rules of a node",
    "conntrack": "lab conntrack --node NODE lists the entries of a node",
}
"""By the first words of a line."""

_NO_BODY = "a request has no body here"
_NO_HEADERS = "a request has no headers here"
_WATCH = "time goes on while you look: the Events pane shows every change, and kubectl wait waits for one"

FLAGS: dict[str, dict[str, str]] = {
    "curl": {
        **dict.fromkeys(("-X", "--request"), "all requests are alike to the apps here, whatever their method"),
        **dict.fromkeys(("-d", "--data", "--data-raw", "-F", "--form", "-T"), _NO_BODY),
        **dict.fromkeys(("-o", "--output", "-O", "--remote-name"), f"{_NO_BODY}, nor has an answer"),
        **dict.fromkeys(("-H", "--header", "-u", "--user", "-A", "-b", "--cookie"), _NO_HEADERS),
        **dict.fromkeys(("-i", "--include", "-I", "--head", "-D"), f"{_NO_HEADERS}, nor has an answer"),
        **dict.fromkeys(("-w", "--write-out"), "the line that it prints has the status, who answered, and the time"),
        **dict.fromkeys(("--resolve", "--connect-to"), "write the address into the URL"),
        **dict.fromkeys(("--connect-timeout",), "use --max-time"),
        **dict.fromkeys(("--interface",), "use --from"),
        **dict.fromkeys(("--retry",), "use --count, or traffic of a scenario with retries"),
    },
    "kubectl get": {
        **dict.fromkeys(("-w", "--watch", "--watch-only"), _WATCH),
        "--field-selector": "-l chooses by labels, and -o jsonpath='{.items[?(@.FIELD==\"VALUE\")]}' by fields",
    },
    "kubectl get events": {
        **dict.fromkeys(("-w", "--watch"), _WATCH),
        **dict.fromkeys(("--for", "--field-selector"), "kubectl describe RESOURCE shows the events of one object"),
        "--sort-by": "they are in the order in which they happened",
    },
}
"""By command and flag."""
