"""Every verb, in the order of the help; importing this fills the registry."""

from lab.commands.verbs import kubectl_read as _read  # isort: skip
from lab.commands.verbs import kubectl_top as _top  # isort: skip
from lab.commands.verbs import kubectl_change as _change  # isort: skip
from lab.commands.verbs import kubectl_taint as _taint  # isort: skip
from lab.commands.verbs import kubectl_wait as _wait  # isort: skip
from lab.commands.verbs import kubectl_api as _api  # isort: skip
from lab.commands.verbs import kubectl_autoscale as _autoscale  # isort: skip
from lab.commands.verbs import kubectl_drain as _drain  # isort: skip
from lab.commands.verbs import kubectl_rollout as _rollout  # isort: skip
from lab.commands.verbs import kubectl_make as _make  # isort: skip
from lab.commands.verbs import kubectl_create_limits as _create_limits  # isort: skip
from lab.commands.verbs import kubectl_jobs as _jobs  # isort: skip
from lab.commands.verbs import curl as _curl  # isort: skip
from lab.commands.verbs import dig as _dig  # isort: skip
from lab.commands.verbs import faults as _faults  # isort: skip
from lab.commands.verbs import ailments as _ailments  # isort: skip
from lab.commands.verbs import control_plane as _control_plane  # isort: skip
from lab.commands.verbs import health_checks as _health_checks  # isort: skip
from lab.commands.verbs import registry as _registry  # isort: skip
from lab.commands.verbs import exhaustion as _exhaustion  # isort: skip
from lab.commands.verbs import names as _names  # isort: skip
from lab.commands.verbs import provider as _provider  # isort: skip
from lab.commands.verbs import chaos as _chaos  # isort: skip
from lab.commands.verbs import broken as _broken  # isort: skip
from lab.commands.verbs import insight as _insight  # isort: skip
from lab.commands.verbs import rules as _rules  # isort: skip
from lab.commands.verbs import conntrack as _conntrack  # isort: skip
from lab.commands.verbs import trace as _trace  # isort: skip
from lab.commands.verbs import reach as _reach  # isort: skip

__all__ = ["MODULES"]

MODULES = (
    _read,
    _top,
    _change,
    _taint,
    _wait,
    _api,
    _autoscale,
    _drain,
    _rollout,
    _make,
    _create_limits,
    _jobs,
    _curl,
    _dig,
    _faults,
    _ailments,
    _control_plane,
    _health_checks,
    _exhaustion,
    _registry,
    _names,
    _provider,
    _chaos,
    _broken,
    _insight,
    _rules,
    _conntrack,
    _trace,
    _reach,
)
