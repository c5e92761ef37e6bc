"""What happens besides requests: kube events, commands, the network, health checks, narration, expectations."""

from __future__ import annotations

from lab import journal
from lab.views import format as fmt
from lab.views.page import Subject
from lab.views.spans import Line, cells, fit, line, wrap

SHOWN: tuple[type[journal.Event], ...] = (
    journal.Noted,
    journal.NetworkChanged,
    journal.HealthChecked,
    journal.CommandGiven,
    journal.CommandRefused,
    journal.Narrated,
    journal.Checked,
    journal.Probed,
)
"""The types of journal events that this pane listens to."""

Said = tuple[str, str, str, str]
"""(glyph, role, who or what, what is said of it)."""

_NETWORK_ROLES = {"up": "ok", "on": "ok", "running": "ok", "healed": "ok", "down": "bad", "off": "bad", "cut": "bad"}
_STOPPED = ("stopped", "crashed", "hung", "failed")


def describe(event: journal.Event) -> Said:
    """The glyph, role, subject and words for an event."""
    match event:
        case journal.Noted():
            glyph, role = ("▲", "warn") if event.type == "Warning" else ("·", "dim")
            return glyph, role, f"{event.reason} {event.kind.lower()}/{event.name}", event.message
        case journal.NetworkChanged():
            role = _NETWORK_ROLES.get(event.state, "bad" if event.state in _STOPPED else "warn")
            return "≁" if role == "bad" else "~", role, event.what, event.state
        case journal.HealthChecked():
            glyph, role = ("+", "ok") if event.healthy else ("✖", "bad")
            words = "takes" if event.healthy else "no longer takes"
            return glyph, role, event.balancer, f"{words} {event.node} for {event.service} {event.message}".rstrip()
        case journal.CommandGiven():
            return "$", "key", "" if event.by in ("prompt", "timeline") else event.by, event.text
        case journal.CommandRefused():
            return "✖", "bad", event.by, f"{event.text}: {event.error}"
        case journal.Narrated():
            return "»", "accent", "", event.text
        case journal.Checked():
            glyph, role = ("✓", "ok") if event.passed else ("✖", "bad")
            return glyph, role, "expect", f"{event.name}  {event.message}".rstrip()
        case journal.Probed():
            glyph, role = ("+", "ok") if event.success else ("▲", "warn")
            verdict = "passes" if event.success else "fails"
            return glyph, role, f"pod/{event.pod}", f"{event.probe} probe {verdict} {event.message}".rstrip()
    return "·", "dim", "", type(event).__name__


def subject(event: journal.Event) -> Subject | None:
    """The object that an event is about, when there is one to select."""
    if isinstance(event, journal.Noted) and event.kind in ("Pod", "Node", "Service", "Deployment"):
        return Subject(event.kind, event.namespace, event.name)
    return Subject("Pod", event.namespace, event.pod) if isinstance(event, journal.Probed) else None


def event_lines(event: journal.Event, size: int, times: int = 1) -> list[Line]:
    """An event in one line; narration takes as many as it needs, since it is there to be read."""
    glyph, role, who, words = describe(event)
    head = line((fmt.moment(event.time) + " ", "dim"), (glyph + " ", role))
    if isinstance(event, journal.Narrated):
        indent = sum(cells(span.text) for span in head)
        first, *rest = wrap(words, max(size - indent, 12), "accent") or [()]
        return [fit(line(*head, *first), size), *(fit(line(" " * indent, *each), size) for each in rest)]
    many = f" ×{times}" if times > 1 else ""
    said_role = role if role in ("bad", "warn", "ok", "key") else ""
    who_part = ((who + " ", "dim" if role != "bad" else role)) if who else ""
    return [fit(line(*head, who_part, (words, said_role), (many, "dim")), size)]


def same(one: journal.Event, other: journal.Event) -> bool:
    """Whether two events say the same at different moments, so that one line with a count is enough."""
    return type(one) is type(other) and describe(one) == describe(other)
