"""What a scenario file says, key by key; the docstrings below a key are also its help in an editor.

Unknown keys are errors. `lab.scenario.loader` reads a file into these, `lab schema` prints them as JSON Schema.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from lab.kube.versions import NEWEST


class Notation:
    """Marks a number that a file may also write as text; `lab.scenario.decode` knows each by its name."""

    def __init__(self, name: str) -> None:
        self.name = name


Duration = Annotated[float, Notation("duration")]
Rate = Annotated[float, Notation("rate")]
Share = Annotated[float, Notation("share")]
Text = Annotated[str, Notation("text")]
"""Text that may be written as a number, such as `cpu: 4`."""
NodeCount = Annotated[int, Notation("node count")]
Release = Annotated[str, Notation("release")]
"""A release of Kubernetes: 1.31, in quotes or not."""
SettingsTable = Annotated[dict[str, Any], Notation("settings")]
"""Values by the names of `lab.settings.Settings`; what ends in `_s` may be written as a duration."""


Variants = Annotated[dict[str, Any], Notation("variants")]
"""Partial scenarios by name; `lab.scenario.layers` lays them over the rest of the file."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A mapping of a scenario file; a key that it does not have is an error."""


class TaintEntry(Entry, frozen=True):
    """Keeps Pods away from a node."""

    key: str
    value: Text = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"


class NodeEntry(Entry, frozen=True):
    """A worker node."""

    name: str = ""
    """worker-1, worker-2 and so on when it is left out."""
    zone: str = ""
    cpu: Text = ""
    """What Pods may request of it, as Kubernetes writes it: 4 or 3900m."""
    memory: Text = ""
    """8Gi."""
    pods: int = 0
    """How many Pods it may run; 0 takes the setting."""
    labels: dict[str, Text] = {}
    taints: tuple[TaintEntry, ...] = ()
    proxy: Literal["", "nftables", "iptables", "ipvs"] = ""
    """The mode of its kube-proxy; the cluster's when it is left out."""


class ClusterEntry(Entry, frozen=True):
    """The cluster that the scenario runs on."""

    nodes: NodeCount | tuple[NodeEntry, ...] = 3
    """How many worker nodes, or each of them."""
    zones: tuple[str, ...] = ()
    """Zones given to the nodes in turn."""
    proxy: Literal["nftables", "iptables", "ipvs"] = "nftables"
    """kube-proxy's mode, on nodes that name none."""
    kubernetes: Release = NEWEST
    """The release whose behaviour the cluster shows."""
    load_balancer: Literal["aws-nlb", "gcp", "metallb-l2", "none"] = "gcp"
    """Whose load balancers answer Services of type LoadBalancer; with none, EXTERNAL-IP stays pending."""
    settings: SettingsTable = {}
    """Timings and limits by name, such as node_monitor_grace_s; lab/settings.py has them all."""


class DistributionEntry(Entry, frozen=True):
    """How long something takes, drawn anew each time: `median` and `p99`, or `mean` alone."""

    distribution: Literal["", "constant", "exponential", "lognormal"] = ""
    """Told by the other keys when it is left out: lognormal with median and p99, exponential with mean."""
    mean: Duration | None = None
    median: Duration | None = None
    p99: Duration | None = None


class ListenEntry(Entry, frozen=True):
    """A port that an app listens on."""

    port: int
    protocol: str = "TCP"


class AppEntry(Entry, frozen=True):
    """What the application in an image does."""

    image: str
    """An image, or a pattern such as "shop/web:*"."""
    listen: tuple[int | str | ListenEntry, ...] | None = None
    """Ports: 8080, 53/UDP, or 127.0.0.1:8080 for one that nobody outside of the Pod reaches. The container's own ports
    when it is left out."""
    workers: int | None = None
    """How many requests it serves at a time."""
    backlog: int | None = None
    """How many more may wait in line."""
    service_time: Duration | DistributionEntry | None = None
    """How long a worker takes for a request."""
    startup: Duration | None = None
    """From the start of the container until it listens."""
    shutdown: Literal["abrupt", "graceful"] | None = None
    """On SIGTERM: end at once and reset what is open, or finish what is in progress."""
    shutdown_time: Duration | None = None
    """How long a graceful end takes after the last request."""
    max_connection_age: Duration | None = None
    """With HTTP/2 and gRPC: after how long the server asks for another connection; never when left out."""
    runs: Duration | None = None
    """After how long it exits by itself; when it is left out, never, or in a Job after what its command sleeps."""
    exit_code: int | None = None
    """The status with which it then exits, 0 to 255; 0 when it is left out."""
    error_rate: Share | None = None
    """The share of requests that it answers with status 500."""
    calls: tuple[str, ...] | None = None
    """Services that it calls for each request: http://api/, redis:6379."""
    health: Literal["own", "calls"] | None = None
    """What its HTTP health checks tell: whether it answers itself (own), or those that it calls as well (calls)."""
    drives: Rate | None = None
    """How often a Pod in the background calls its targets."""
    cpu: Text = ""
    """What a worker uses while it works on a request: 1, 50m. When it is left out, all workers together use the
    container's CPU request."""
    memory: Text = ""
    """What a running container holds: 300Mi. Half of the container's memory request when it is left out."""
    missing: bool | None = None
    """true for an image that the registry does not have: pulls fail with ErrImagePull."""
    memory_growth: Text = ""
    """By how much that grows each second: 5Mi. More than the container's memory limit, and it is OOMKilled."""


class SpikeEntry(Entry, frozen=True, kw_only=True):
    """A short time with another rate."""

    to: Rate
    """Requests a second as long as it lasts."""
    at: Duration
    """When it comes, from the beginning of its phase."""
    length: Duration = msgspec.field(name="for")
    """How long it lasts."""


class PhaseEntry(Entry, frozen=True, kw_only=True):
    """A stretch of a client's rate."""

    length: Duration = msgspec.field(name="for")
    """How long it lasts."""
    rate: Rate
    """Requests a second at its beginning."""
    to: Rate | None = None
    """Requests a second at its end: a ramp."""
    wave: Duration | None = None
    """The rate goes from `rate` to `to` and back in this time, as a sine does, again and again."""
    spike: SpikeEntry | None = None
    """Another rate for a short time."""


class RetryEntry(Entry, frozen=True, kw_only=True):
    """How a client tries again what has failed."""

    attempts: int
    """How often, at most, after the first."""
    budget: Share | None = None
    """Retries as a share of the requests of the last ten seconds; more are held back."""
    backoff: Duration | None = None
    """The pause before the first retry; it doubles with each further one."""


class TrafficEntry(Entry, frozen=True, kw_only=True):
    """A group of clients that sends requests."""

    name: str = ""
    """Reports and expectations call it so; client-1, client-2 and so on when it is left out."""
    source: str = msgspec.field(default="internet", name="from")
    """internet, node/NAME, pod/NAME, pod/NAMESPACE/NAME or deployment/NAMESPACE/NAME."""
    to: str
    """A URL: http://web/, http://web.shop:8080/, tcp://db:5432, udp://10.96.0.10:53."""
    rate: Rate | tuple[PhaseEntry, ...] | None = None
    """Requests a second, whether or not they are answered; or phases, one after the other."""
    arrivals: str | None = None
    """Whether the requests of a rate come at random (poisson, the default) or evenly (constant); or, instead of a rate,
    a CSV file with the moment of each, in seconds from `start` on."""
    workers: int | None = None
    """Without a rate: so many users, each of which waits for its answer. With one: at most so many requests at once."""
    think: Duration | None = None
    """How long a worker waits between an answer and its next request."""
    addresses: int | None = None
    """How many hosts on the internet share the requests."""
    keep_alive: bool | None = None
    """Whether a connection is used for many requests."""
    balance: Literal["pick_first", "round_robin"] | None = None
    """With h2:// and grpc://: one connection to one address of the name (pick_first), or one to each in turn."""
    timeout: Duration | None = None
    """How long it waits for each answer (5s); 0 waits as long as the kernel tries to connect, about 127 s."""
    dns_cache: Text = ""
    """How long it keeps the addresses of a name, whatever their TTL: none, forever (as some runtimes do), or 30s."""
    retries: int | RetryEntry | None = None
    """How often it tries again after a failure."""
    start: Duration = 0.0
    stop: Duration | None = None
    """The end of the run when it is left out."""
    node: str = ""
    """Where a Pod that is created for `from: pod/NAME` is to run; the scheduler chooses when it is left out."""


class TimelineEntry(Entry, frozen=True):
    """Something that happens: `at` a moment, `every` so often, or `when` a condition holds."""

    at: Duration | None = None
    """The moment; with `when`, the moment from which on its condition is looked at."""
    every: Duration | None = None
    """How often it happens, for the first time at `from` or after this time, for the last time at `to`."""
    start: Duration | None = msgspec.field(default=None, name="from")
    end: Duration | None = msgspec.field(default=None, name="to")
    when: str = ""
    """It happens once, as soon as this condition holds, in the words of `expect`: nodes ready == 2."""
    over: Duration | None = None
    """How much of the past `when` looks at, for a figure of traffic (5s)."""
    traffic: str = ""
    """The group of clients that `when` is about."""
    namespace: str = "default"
    """Where the names in `when` are."""
    run: str = ""
    """A command as it is typed at the prompt: kubectl scale deployment/web --replicas=5."""
    say: str = ""
    """What the scenario says to whoever watches."""
    refused: str = ""
    """The command must be refused, with an error that has these words."""


class LessonEntry(Entry, frozen=True):
    """A step of a lesson: text beside the screen."""

    at: Duration
    title: str
    text: str = ""
    watch: str = ""
    """What the screen should select: service/web, pod/client, deployment/web, node/worker-1; or output: it shows what
    the commands of the timeline print."""
    wait: bool = False
    """Whether the screen stops time here until whoever reads goes on."""


class ExpectEntry(Entry, frozen=True):
    """A condition; `lab play` ends with status 1 when one does not hold."""

    that: str
    """METRIC [FILTER] [NAME] OPERATOR VALUE, such as "success >= 99%" or "pods ready web == 5"."""
    traffic: str = ""
    """Only the requests of this group of clients."""
    service: str = ""
    """Only the requests to this Service: NAME or NAMESPACE/NAME."""
    start: Duration | None = msgspec.field(default=None, name="from")
    """The window begins here, not with the story."""
    end: Duration | None = msgspec.field(default=None, name="to")
    """The window ends here, not with the story."""
    at: Duration | None = None
    """The moment to look; the end of the story when it is left out."""
    by: Duration | None = None
    """It must hold at some moment up to here."""
    within: Duration | None = None
    """It must hold at some moment within this time after `from`."""
    over: Duration | None = None
    """For a figure of traffic: measured over the last so many seconds, and looked at like the cluster: at `at`, once up
    to `by`, or every second of the window."""
    namespace: str = "default"
    """Where the names in `that` are."""


class HypothesisEntry(Entry, frozen=True):
    """The steady state: what must hold before the method, and again after it."""

    title: str = ""
    over: Duration = 10.0
    """How long traffic is measured, before the method begins and after it has ended."""
    expect: tuple[str | ExpectEntry, ...] = ()
    """Conditions, in the words of `expect`; without windows of their own."""


class MethodEntry(Entry, frozen=True):
    """A step of the method; the steps are taken one after the other."""

    run: str = ""
    """A command as it is typed at the prompt."""
    say: str = ""
    wait: str = ""
    """Go on as soon as this condition holds; it must within `within`."""
    within: Duration = 60.0
    check: str = ""
    """A condition that must hold now: of the cluster, or of the traffic over the next `over`."""
    over: Duration | None = None
    """How much traffic a figure is about: 5s."""
    traffic: str = ""
    """Only the requests of this group of clients."""
    namespace: str = "default"
    pause: Duration = 0.0
    """How long to wait after this step."""


class WrongEntry(Entry, frozen=True, kw_only=True):
    """A tempting fix that does not solve a kata."""

    steps: tuple[str | MethodEntry, ...]
    """What is done, as in `method`."""
    because: str = ""
    """Why it is not the answer."""


class KataEntry(Entry, frozen=True, kw_only=True):
    """A broken cluster to mend: who plays gets the task, hints when asked for, and is told when it is solved."""

    task: str
    """What is wrong and what is wanted, in two sentences."""
    difficulty: Literal["easy", "medium", "hard"] = "medium"
    hints: tuple[str, ...] = ()
    """Each says a little more than the one before."""
    solved: tuple[str | ExpectEntry, ...]
    """Conditions that must all hold at once, in the words of `expect`; figures of requests are over the last `over`."""
    debrief: str = ""
    """What it was, told when it is solved."""
    solution: tuple[str | MethodEntry, ...]
    """What solves it, as in `method`; `lab test` plays it."""
    wrong: tuple[WrongEntry, ...] = ()
    """Tempting fixes; `lab test` shows that none of them solves it."""


class ScenarioEntry(Entry, frozen=True):
    """A scenario of Service Lab."""

    name: str
    """Lower-case words joined by dashes, as in `lab play NAME`."""
    about: str = ""
    """One sentence."""
    seed: int = 1
    """Everything that is drawn at random comes from it."""
    duration: Duration = 60.0
    """How long the story lasts in virtual time."""
    cluster: ClusterEntry = msgspec.field(default_factory=ClusterEntry)
    manifests: tuple[str | dict[str, Any], ...] = ()
    """Files and folders beside this file, or objects written here."""
    patches: tuple[dict[str, Any], ...] = ()
    """What is different in objects of the manifests: a kind, a metadata.name, and the fields to change."""
    apps: tuple[AppEntry, ...] = ()
    traffic: tuple[TrafficEntry, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()
    lesson: tuple[LessonEntry, ...] = ()
    expect: tuple[str | ExpectEntry, ...] = ()
    """Conditions; a text alone is one over the whole story, or at its end."""
    hypothesis: HypothesisEntry | None = None
    """A chaos experiment: the steady state, which must hold before the method and after it."""
    method: tuple[str | MethodEntry, ...] = ()
    """What is done to the cluster, step by step, once the hypothesis has been shown to hold. A text is a command."""
    rollbacks: tuple[str, ...] = ()
    """Commands that bring everything back; they are always given, whatever has happened before."""
    kata: KataEntry | None = None
    """A task for whoever plays: this scenario is a broken cluster."""
    extends: str = ""
    """A scenario file that this one says only the differences to. A key such as `timeline+` appends to its list."""
    vars: dict[str, Any] = {}
    """Values that `${name}` stands for anywhere in the file; `--set name=value` gives them another."""
    variants: Variants = {}
    """The same scenario under several settings, by name: each says what is different in it."""
