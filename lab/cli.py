"""The `lab` command. Thin: each verb imports what it needs when it is called, so that `lab --help` is instant."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from lab.kube.errors import LabError
from lab.shell import (
    FAILED,
    INTERRUPTED,
    OK,
    QUESTIONS,
    WRONG,
    add_cluster,
    add_question,
    add_settings,
    frames,
    on_a_terminal,
    own_scenario,
    settings_from,
    speed,
)
from lab.shell.writing import checked_output, complain, has_streams, journal_of, page_about, recording_of

if TYPE_CHECKING:
    from lab.scenario.scenario import Scenario

_ABOUT = "A whole Kubernetes cluster, its Services and their traffic, simulated in a terminal."
_EPILOG = """\
lab                          choose a scenario and watch it
lab play cluster-ip          play one that comes along, or a file of your own
lab play FILE --headless     a line a second and a report; status 1 when an expectation fails
lab test scenarios/          every scenario of a folder in parallel, a line for each check
lab run -f manifests/        a cluster of your own, with traffic to its Services
lab validate manifests/      every error in them, and what looks wrong
lab trace -f manifests/ --from internet --to service/web:80      where would this packet go, and why
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, with the nearest word that would be right."""

    below: dict[str, argparse.ArgumentParser] | None = None
    """The parsers of the verbs, by name."""
    fill: Callable[[_Parser], None] | None = None
    """Adds the options of a verb whose options cost something to know; called when the verb is used."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does, with the options that `fill` adds."""
        if self.fill is not None:
            fill, self.fill = self.fill, None
            fill(self)
        return super().parse_known_args(args, namespace)

    def options(self) -> list[str]:
        """Every option, those of the verbs too."""
        parsers = [self, *(self.below or {}).values()]
        return [option for parser in parsers for action in parser._actions for option in action.option_strings]

    def error(self, message: str) -> NoReturn:
        from lab.kube.errors import nearest

        if "invalid choice" in message and self.below:
            word = message.split("'")[1]
            hint = nearest(word, self.below) or f"; there are {', '.join(self.below)}"
            message = f'there is no "lab {word}"{hint}'
        elif message.startswith("unrecognized arguments: "):
            word = message.split(": ", 1)[1].split()[0]
            hint = nearest(word.split("=")[0], self.options()) if word.startswith("-") else ""
            message = f"there is no option {word}{hint}" if word.startswith("-") else f'one word too many: "{word}"'
        complain(message)
        raise SystemExit(WRONG)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status."""
    if not has_streams():
        complain("standard output is closed: there is nowhere to write to")
        return WRONG
    given = list(sys.argv[1:] if arguments is None else arguments)
    with checked_output():
        return _called([word for word in given if word != "--traceback"], with_traceback="--traceback" in given)


def _called(words: list[str], *, with_traceback: bool) -> int:
    """Do what the words say; whatever goes wrong is told in a sentence."""
    try:
        status = _verb(words)
        sys.stdout.flush()
        return status
    except LabError as error:
        complain(*str(error).splitlines())
        return WRONG
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return INTERRUPTED
    except BrokenPipeError:
        return OK  # whoever read our output has seen enough
    except Exception as error:
        if with_traceback:
            raise
        complain(
            f"a fault of Service Lab itself: {error or type(error).__name__}",
            "please report it, with what the same command prints with --traceback",
        )
        return FAILED


def _verb(words: list[str]) -> int:
    try:
        options = _parser().parse_args(words)
        verb: Callable[[argparse.Namespace], int] = options.verb
        return verb(options)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else WRONG


def _parser() -> _Parser:
    parser = _Parser(
        prog="lab", description=_ABOUT, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=_version())
    parser.set_defaults(verb=_choose)
    verbs = parser.add_subparsers(metavar="COMMAND", title="commands", parser_class=_Parser)
    _add_play(verbs.add_parser("play", help="play a scenario, on the screen or headless"))
    _add_run(verbs.add_parser("run", help="run manifests of your own"))
    verbs.add_parser("test", help="play many scenarios headless and check what they expect").fill = _fill_test
    verbs.add_parser("sweep", help="play a scenario over many seeds and settings: how likely is it?").fill = _fill_sweep
    verbs.add_parser("replay", help="play a recording again, and say whether it is the same run").fill = _fill_replay
    _add_validate(verbs.add_parser("validate", help="say what is wrong in manifests, and what looks wrong"))
    for name, summary in QUESTIONS.items():
        verbs.add_parser(name, help=summary).fill = partial(add_question, name)
    for name, verb, summary in (
        ("tour", _tour, "play the tour: how a ClusterIP finds its Pods"),
        ("list", _list, "list the scenarios that come along"),
        ("schema", _schema, "print the JSON Schema of scenario files, for editors"),
        ("version", _print_version, "print the version"),
    ):
        plain = verbs.add_parser(name, help=summary, description=summary)
        plain.set_defaults(verb=verb)
        if name == "tour":
            _add_choosing(plain)
            _add_playing(plain)
    parser.below = dict(verbs.choices)
    return parser


def _add_play(parser: argparse.ArgumentParser) -> None:
    parser.description = "Play a scenario: a file, or the name of one that comes along (lab list)."
    parser.add_argument("scenario", metavar="FILE|NAME")
    _add_choosing(parser)
    _add_playing(parser)
    parser.set_defaults(verb=_play)


def _add_choosing(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--variant", default="", metavar="NAME", help="which variant (on the screen: the first; else all)")
    add(
        "--set",
        dest="values",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="give a variable of the scenario, or a key such as cluster.nodes, another value",
    )


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.description = "Run manifests on a simulated cluster, with traffic from the internet to what is exposed."
    add_cluster(parser, required=True)
    parser.add_argument("--for", dest="length", metavar="TIME", help="how long the run lasts (60s headless)")
    _add_playing(parser)
    parser.set_defaults(verb=_run)


def _fill_test(parser: _Parser) -> None:
    from lab.shell.testing import add_test

    add_test(parser)


def _fill_sweep(parser: _Parser) -> None:
    from lab.shell.sweeping import add_sweep

    add_sweep(parser)


def _fill_replay(parser: _Parser) -> None:
    from lab.shell.replaying import add_replay

    add_replay(parser)


def _add_validate(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Say everything that the API server would refuse in manifests, and what is legal and almost surely wrong. "
        "Status 1 with errors, 0 with warnings only (2 with --strict)."
    )
    add = parser.add_argument
    add("paths", metavar="FILE", nargs="+", help="files, folders or - (stdin)")
    add("--old", metavar="FILE", action="append", default=[], help="what the cluster holds: judge FILE as its update")
    add("-o", dest="form", choices=("text", "json"), default="text", help="the form of the output")
    add("--strict", action="store_true", help="status 2 when there are warnings")
    add_settings(parser)
    parser.set_defaults(verb=_validate)


def _add_playing(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--headless", action="store_true", help="no screen: a line a virtual second and a closing report")
    add("-o", dest="form", choices=("text", "jsonl"), default=None, help="the form of headless output")
    add("--seed", type=int, metavar="N", help="draw at random from this number instead of the scenario's")
    add(
        "--speed",
        type=speed,
        metavar="X",
        help="virtual seconds a second, 0.1 to 1000; headless is flat out without it",
    )
    add("--until", metavar="TIME", help="end the story early")
    add("--journal", metavar="FILE", help="write every event to FILE as a stream of msgpack maps")
    add("--record", metavar="FILE", help="record the run to FILE as it goes, to have it again with lab replay")
    add("--report", metavar="FILE", help="write a page about the run to FILE: HTML that needs no network")
    add("--fps", type=frames, metavar="N", help="frames a second on the screen, 1 to 60")
    add("--traceback", action="store_true", help="show where a fault of Service Lab itself happened")


# -- verbs ------------------------------------------------------------------------------------------------


def _choose(options: argparse.Namespace) -> int:
    if not on_a_terminal():
        _list(options)
        print("\nlab play NAME --headless plays one without a terminal; lab --help tells the rest.")
        return OK
    from lab.tui.app import main as show

    return show(None)


def _play(options: argparse.Namespace) -> int:
    from lab.scenario.catalogue import find
    from lab.scenario.loader import load, load_all

    path = find(options.scenario)
    if _is_headless(options) and not options.variant:
        return _present(load_all(path, values=options.values), options)
    return _present([load(path, variant=options.variant, values=options.values)], options)


def _tour(options: argparse.Namespace) -> int:
    from lab.scenario.catalogue import TOUR

    options.scenario = TOUR
    return _play(options)


def _run(options: argparse.Namespace) -> int:
    return _present([own_scenario(options, duration=options.length, headless=_is_headless(options))], options)


def _validate(options: argparse.Namespace) -> int:
    from lab.cluster.review.review import review

    found = review(options.paths, options.old, settings_from(options))
    print(found.json() if options.form == "json" else found.text())
    return found.status(strict=options.strict)


def _list(options: argparse.Namespace) -> int:
    from itertools import groupby

    from lab.scenario.catalogue import catalogue

    entries = catalogue()
    width = max((len(entry.name) for entry in entries), default=0)
    for folder, members in groupby(entries, key=lambda entry: entry.folder):
        print(folder)
        for entry in members:
            print(f"  {entry.name.ljust(width)}  {entry.about}".rstrip())
    return OK


def _schema(options: argparse.Namespace) -> int:
    import json

    from lab.scenario.jsonschema import scenario_schema

    print(json.dumps(scenario_schema(), indent=2))
    return OK


def _print_version(options: argparse.Namespace) -> int:
    print(_version())
    return OK


# -- playing ----------------------------------------------------------------------------------------------


def _present(scenarios: Sequence[Scenario], options: argparse.Namespace) -> int:
    """Play on the screen, or headless; several are the variants of one scenario, and are compared at the end."""
    from lab.kube.time import parse_duration
    from lab.scenario.player import Player

    if options.until is not None:
        scenarios = [scenario.until(parse_duration(options.until)) for scenario in scenarios]
    headless = _is_headless(options)
    players = [Player(scenario, seed=options.seed, waits=not headless) for scenario in scenarios]
    shown = players if headless else players[:1]
    one_run = ("--journal", options.journal), ("--record", options.record)
    for option, value in one_run:
        if len(shown) > 1 and value is not None:
            raise LabError(f"{option} takes one run: choose it with --variant")
    with (
        journal_of(players[0], options.journal),
        recording_of(players[0], options.record),
        page_about(shown, options.report),
    ):
        if headless:
            from lab.scenario.headless import Options, play_all

            how = Options(form=options.form or "text", speed=options.speed)
            return OK if play_all(players, how, sys.stdout) else FAILED
        from lab.tui.app import main as show

        return show(players[0], speed=options.speed or 1.0, fps=options.fps)


def _is_headless(options: argparse.Namespace) -> bool:
    return options.headless or options.form is not None or not on_a_terminal()


def _version() -> str:
    from lab import __version__

    return f"service-lab {__version__}"
