"""Names, labels, annotations and qualified names, as apimachinery's validation words what is wrong with them.

https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from lab.cluster.errors import FieldError, invalid

Errors = Iterator[FieldError]
NameRule = Callable[[str], tuple[str, ...]]
"""What is wrong with a name, each fault as a sentence."""

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LABEL_1035 = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = rf"({_QUALIFIED})?"
_PORT_NAME = r"[-a-z0-9]+"
_PLAIN = re.compile(r"[a-z](?:[-a-z0-9]*[a-z0-9])?")
"""What every kind of name allows, up to 63 characters; most names are like this, and quickly found to be."""
_ANNOTATIONS_MAX_BYTES = 256 * 1024


def _pattern_fault(rule: str, pattern: str, *examples: str) -> str:
    shown = " or ".join(f"'{example}', " for example in examples)
    return f"{rule} (e.g. {shown}regex used for validation is '{pattern}')"


_LABEL_FAULT = _pattern_fault(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
    "with an alphanumeric character",
    _LABEL,
    "my-name",
    "123-abc",
)
_LABEL_1035_FAULT = _pattern_fault(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
    "character, and end with an alphanumeric character",
    _LABEL_1035,
    "my-name",
    "abc-123",
)
_SUBDOMAIN_FAULT = _pattern_fault(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character",
    _SUBDOMAIN,
    "example.com",
)
_QUALIFIED_RULE = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
_QUALIFIED_EXAMPLES = ("MyName", "my.name", "123-abc")
_LABEL_VALUE_FAULT = _pattern_fault(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start "
    "and end with an alphanumeric character",
    _LABEL_VALUE,
    "MyValue",
    "my_value",
    "12345",
)


def _too_long(most: int) -> str:
    return f"must be no more than {most} characters"


def _faults(text: str, most: int, pattern: str, fault: str) -> tuple[str, ...]:
    if len(text) <= 63 and _PLAIN.fullmatch(text):
        return ()
    long = (_too_long(most),) if len(text) > most else ()
    return long if re.fullmatch(pattern, text, re.ASCII) else (*long, fault)


@lru_cache(maxsize=65536)
def label_faults(text: str) -> tuple[str, ...]:
    """What keeps a text from being an RFC 1123 label."""
    found = _faults(text, 63, _LABEL, _LABEL_FAULT)
    if _LABEL_FAULT in found and re.fullmatch(_SUBDOMAIN, text):
        return (*found[:-1], "must not contain dots")
    return found


@lru_cache(maxsize=65536)
def label_1035_faults(text: str) -> tuple[str, ...]:
    """What keeps a text from being an RFC 1035 label, which begins with a letter."""
    return _faults(text, 63, _LABEL_1035, _LABEL_1035_FAULT)


@lru_cache(maxsize=65536)
def subdomain_faults(text: str) -> tuple[str, ...]:
    """What keeps a text from being an RFC 1123 subdomain."""
    return _faults(text, 253, _SUBDOMAIN, _SUBDOMAIN_FAULT)


@lru_cache(maxsize=65536)
def qualified_name_faults(text: str) -> tuple[str, ...]:
    """What keeps a text from being a name with an optional `example.com/` before it."""
    parts = text.split("/")
    if len(parts) > 2:
        optional = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        rule = f"a qualified name {_QUALIFIED_RULE}"
        return (f"{_pattern_fault(rule, _QUALIFIED, *_QUALIFIED_EXAMPLES)} {optional}",)
    found = []
    if len(parts) == 2:
        prefix = ("must be non-empty",) if not parts[0] else subdomain_faults(parts[0])
        found = [f"prefix part {fault}" for fault in prefix]
    name = parts[-1]
    if not name:
        found.append("name part must be non-empty")
    elif len(name) > 63:
        found.append(f"name part {_too_long(63)}")
    if not re.fullmatch(_QUALIFIED, name, re.ASCII):
        found.append(_pattern_fault(f"name part {_QUALIFIED_RULE}", _QUALIFIED, *_QUALIFIED_EXAMPLES))
    return tuple(found)


@lru_cache(maxsize=65536)
def label_value_faults(text: str) -> tuple[str, ...]:
    """What keeps a text from being the value of a label."""
    return _faults(text, 63, _LABEL_VALUE, _LABEL_VALUE_FAULT)


@lru_cache(maxsize=4096)
def port_name_faults(text: str) -> tuple[str, ...]:
    """What keeps a text from being an IANA service name (RFC 6335)."""
    checks = (
        (len(text) > 15, _too_long(15)),
        (
            not re.fullmatch(_PORT_NAME, text),
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
        ),
        (not re.search("[a-z]", text), "must contain at least one letter (a-z)"),
        ("--" in text, "must not contain consecutive hyphens"),
        (text[:1] == "-" or text[-1:] == "-", "must not begin or end with a hyphen"),
    )
    return tuple(fault for wrong, fault in checks if wrong)


def faulty(path: str, text: str, faults: tuple[str, ...]) -> Errors:
    """One `Invalid value` a fault."""
    for fault in faults:
        yield invalid(path, text, fault)


def is_dns_label(text: str) -> bool:
    """Whether a text is an RFC 1123 label of at most 63 characters."""
    return not label_faults(text)


def label_errors(labels: Mapping[str, str], path: str) -> Errors:
    """Labels, or a selector made of them."""
    for key, value in labels.items():
        if faults := _label_pair_faults(key, value):
            for text, fault in faults:
                yield invalid(path, text, fault)


@lru_cache(maxsize=65536)
def _label_pair_faults(key: str, value: str) -> tuple[tuple[str, str], ...]:
    of_key = [(key, fault) for fault in qualified_name_faults(key)]
    return (*of_key, *((value, fault) for fault in label_value_faults(value)))


def annotation_errors(annotations: Mapping[str, str], path: str) -> Errors:
    """Annotations: their keys, and their size all together."""
    size = 0
    for key, value in annotations.items():
        yield from faulty(path, key, qualified_name_faults(key.lower()))
        size += len(key) + len(value)
    if size > _ANNOTATIONS_MAX_BYTES:
        yield FieldError(path, "Too long", "", f"may not be more than {_ANNOTATIONS_MAX_BYTES} bytes")


def generate_name_faults(prefix: str, rule: NameRule) -> tuple[str, ...]:
    """What is wrong with the beginning of a name: it may end in a dash, as something follows."""
    return rule(f"{prefix[:-2]}a" if len(prefix) > 1 and prefix.endswith("-") else prefix)
