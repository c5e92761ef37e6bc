"""The flags that several commands share."""

from __future__ import annotations

from lab.commands.output import FORM
from lab.commands.registry import Flag
from lab.commands.values import FILE, NAMESPACE, SELECTOR

IN_NAMESPACE = Flag("--namespace", "the namespace to look in; default when it is left out", NAMESPACE, "-n")
EVERYWHERE = Flag("--all-namespaces", "look in every namespace", short="-A")
WITH_LABELS = Flag("--selector", "only objects with these labels", SELECTOR, "-l")
FROM_FILE = Flag("--filename", "a manifest, or a folder of manifests", FILE, "-f")
OUTPUT = Flag("--output", "how to print", FORM, "-o")
