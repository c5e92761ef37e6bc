"""What the verbs of the command line share: exit statuses, the options of a cluster, and questions to one.

A question (`lab trace`, `lab reach`, ...) is a command of the prompt, asked from the shell: its options are those of
the command in the registry, and those of the cluster that is built to be asked.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
from functools import partial
from typing import TYPE_CHECKING

from lab.shell.writing import complain

if TYPE_CHECKING:
    from lab.commands.registry import Command
    from lab.scenario.scenario import Scenario
    from lab.settings import Settings

OK, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130
"""Exit status: all went well; an expectation does not hold (or the lab itself failed); a file or an argument is
wrong; Ctrl-C."""

QUESTIONS = {
    "trace": "the whole way of a packet, hop by hop",
    "reach": "who reaches what, and what is open to the outside",
    "expose": "every address and port that the internet can reach",
    "rules": "what kube-proxy has programmed on a node",
    "conntrack": "the connections that a node's kernel remembers",
    "explain": "why a connection of a scenario went where it went",
}
"""Commands of the prompt (`lab trace`, ...) that can be asked from the shell, each with its line of help."""
NARROWEST, WIDTH, WIDEST = 60, 120, 160
"""Cells in a line of an answer: at least, where there is no terminal, at most."""
_RANGES = {"service_cidr": "--service-cidr", "pod_cidr": "--pod-cidr", "node_port_range": "--node-ports"}
"""The settings that an option gives, and the option."""
_OPTIONS = {
    **{name: f"--{name.replace('_', '-')}" for name in ("nodes", "zones", "proxy", "load_balancer", "kubernetes")},
    **_RANGES,
    **{name: f"--{name}" for name in ("apps", "traffic")},
}
"""Those of a cluster of one's own that a scenario says in its file."""


def speed(text: str) -> float:
    """Virtual seconds a second, of `2`, `x2` or `0.5`; for argparse."""
    try:
        found = float(text.removeprefix("x"))
    except ValueError:
        found = 0.0
    if not 0.1 <= found <= 1000:
        raise argparse.ArgumentTypeError(f'expected a number from 0.1 to 1000, got "{text}"')
    return found


def frames(text: str) -> int:
    """Frames a second; for argparse."""
    if not text.isdecimal() or not 1 <= int(text) <= 60:
        raise argparse.ArgumentTypeError(f'expected a number from 1 to 60, got "{text}"')
    return int(text)


def on_a_terminal() -> bool:
    """Whether there is somebody to show a screen to."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def add_cluster(parser: argparse._ActionsContainer, *, required: bool) -> None:
    """The options that say which manifests run on what sort of cluster."""
    add = parser.add_argument
    add(
        "-f",
        dest="paths",
        metavar="PATH",
        action="append",
        nargs="+",
        required=required,
        help="files, folders or - (stdin)",
    )
    add("--nodes", type=int, default=3, metavar="N", help="how many worker nodes (3)")
    add("--zones", default="", metavar="A,B", help="zones, given to the nodes in turn")
    add("--proxy", default="nftables", choices=("nftables", "iptables", "ipvs"), help="kube-proxy's mode")
    profiles = ("aws-nlb", "gcp", "metallb-l2", "none")
    add("--load-balancer", default="gcp", choices=profiles, help="who answers type LoadBalancer (gcp)")
    add_settings(parser)
    add("--apps", metavar="FILE", help="a scenario file whose apps: says what the images do")
    add("--traffic", default="auto", choices=("auto", "none"), help="auto: 5 requests a second to each exposed port")


def add_settings(parser: argparse._ActionsContainer) -> None:
    """The options that say what release a cluster is of, and what ranges it has."""
    add = parser.add_argument
    add("--kubernetes", default="1.37", metavar="VERSION", help="the release whose behaviour it shows (1.37)")
    two = "two with a comma for dual stack"
    add("--service-cidr", metavar="CIDR", help=f"the range of cluster IPs (10.96.0.0/12); {two}")
    add("--pod-cidr", metavar="CIDR", help=f"the range of Pods (10.244.0.0/16); {two}")
    add("--node-ports", dest="node_port_range", metavar="FROM-TO", help="the range of node ports (30000-32767)")


def settings_from(options: argparse.Namespace) -> Settings:
    """The settings that `add_settings`'s options ask for. Raises `LabError` with everything that is wrong with them."""
    from lab.cluster.networks import network_faults
    from lab.kube.errors import LabError
    from lab.kube.versions import settings_of
    from lab.scenario.notation import parse_release

    given = {name: getattr(options, name) for name in _RANGES if getattr(options, name) is not None}
    if "load_balancer" in options:
        given["load_balancer"] = options.load_balancer
    settings = settings_of({"kubernetes": parse_release(options.kubernetes), **given})
    faults = [f"{_RANGES[name]}: {message}" for name, message in network_faults(settings)]
    if faults:
        raise LabError("\n".join(faults))
    return settings


def add_question(name: str, parser: argparse.ArgumentParser) -> None:
    """The options of a cluster and those of the command, for a question such as `lab trace`."""
    from lab.commands.run import COMMANDS

    command = COMMANDS[f"lab {name}"]
    parser.description = command.summary
    parser.epilog = "examples at the prompt:\n  " + "\n  ".join(command.examples)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    for flag in command.flags:
        names = [word for word in (flag.short, flag.name) if word]
        told = f" ({flag.type.about})" if flag.type is not None else ""
        about = f"{flag.about}{told}".replace("%", "%%")
        if flag.type is None:
            parser.add_argument(*names, dest=flag.key, action="store_true", help=about)
        else:
            parser.add_argument(*names, dest=flag.key, metavar=flag.type.name, help=about)
    for parameter in command.parameters:
        parser.add_argument(parameter.name, nargs="*", metavar=parameter.type.name, help=parameter.type.about)
    cluster = parser.add_argument_group("the cluster that is asked")
    add_cluster(cluster, required=False)
    cluster.add_argument("--scenario", metavar="FILE|NAME", help="ask inside a scenario instead of -f")
    cluster.add_argument("--at", metavar="TIME", default="0s", help="run to this moment before asking (0s)")
    cluster.add_argument("--seed", type=int, metavar="N", help="draw at random from this number")
    cluster.add_argument("--traceback", action="store_true", help="show where a fault of Service Lab itself happened")
    parser.set_defaults(verb=partial(_ask, command))


def own_scenario(options: argparse.Namespace, *, duration: str | None, headless: bool) -> Scenario:
    """The scenario that `add_cluster`'s options ask for. Raises `LabError` for what cannot be read."""
    from lab.scenario.own_cluster import OwnCluster, scenario_of

    own = OwnCluster(
        paths=tuple(path for paths in options.paths for path in paths),
        nodes=options.nodes,
        zones=tuple(zone for zone in options.zones.split(",") if zone),
        proxy=options.proxy,
        settings=settings_from(options),
        apps=options.apps,
        traffic=options.traffic,
        duration=duration,
        headless=headless,
    )
    return scenario_of(own)


def _ask(command: Command, options: argparse.Namespace) -> int:
    """Ask a cluster one question: the same command as at the prompt, from its words on the shell's line."""
    from lab.kube.time import parse_duration
    from lab.scenario.ask import ask

    if getattr(options, "cases", None) is not None:
        return _trace_cases(options.cases)
    at_s = parse_duration(options.at)
    width = min(max(shutil.get_terminal_size((WIDTH, 0)).columns, NARROWEST), WIDEST)
    line = _line_of(command, options)
    answer = ask(_asked_scenario(command, options), line, at_s=at_s, seed=options.seed, width=width)
    complain(*(f"not Ready at 00:00: {line}" for line in answer.not_ready))
    for line in answer.lines:
        print(line)
    if answer.error:
        complain(answer.error.removeprefix("error: "))
        return FAILED if answer.own_fault else WRONG
    return OK


def _asked_scenario(command: Command, options: argparse.Namespace) -> Scenario:
    """The scenario that a question is about, or one made from manifests."""
    from lab.kube.errors import LabError
    from lab.scenario.catalogue import find
    from lab.scenario.loader import load

    if options.scenario is not None and options.paths is not None:
        raise LabError(f"{command.name}: take the manifests of -f or the scenario of --scenario, not both")
    if options.scenario is None and options.paths is None:
        raise LabError(f"{command.name}: give the manifests with -f, or a scenario with --scenario")
    if options.scenario is None:
        return own_scenario(options, duration=None, headless=True)
    plain = argparse.ArgumentParser()
    add_cluster(plain, required=False)
    for name, option in _OPTIONS.items():
        if getattr(options, name) != plain.get_default(name):
            raise LabError(f"{option} goes with -f; a scenario says in its file what its cluster is like")
    return load(find(options.scenario))


def _line_of(command: Command, options: argparse.Namespace) -> str:
    """The question as it would be typed at the prompt."""
    words = [command.name]
    for parameter in command.parameters:
        words += map(shlex.quote, getattr(options, parameter.name))
    for flag in command.flags:
        value = getattr(options, flag.key)
        if value is True:
            words.append(flag.name)
        elif value:
            words.append(f"{flag.name}={shlex.quote(value)}")
    return " ".join(words)


def _trace_cases(path: str) -> int:
    from lab.network.cases import read_cases, results

    for line in results(read_cases(path)):
        print(line)
    return OK
