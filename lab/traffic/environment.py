"""What a container's environment and arguments are once the kubelet has put its variables together.

https://kubernetes.io/docs/tasks/inject-data-application/ : first the keys of whole ConfigMaps and Secrets, then the
container's own variables over them, in their order; `$(NAME)` stands for a variable that is there by then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from lab.cluster.store import Store
from lab.kube.kinds.configmap import ConfigMap
from lab.kube.kinds.pod import Container, EnvFromSource, EnvVar, EnvVarSource, Pod
from lab.kube.kinds.secret import Secret

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")
_KEYED_FIELD = re.compile(r"metadata\.(labels|annotations)\['([^']*)'\]")


def as_started(container: Container, pod: Pod, store: Store) -> Container:
    """The container with nothing but values in its environment, its command and its arguments.

    What comes from a ConfigMap or Secret that is not there is left out, and a reference to no variable stays as it is.
    """
    variables: dict[str, str] = {}
    for source in container.env_from:
        variables.update(_all_of(source, pod, store))
    for variable in container.env:
        value = expand(variable.value, variables)
        if not value and variable.value_from is not None:
            found = _value_from(variable.value_from, pod, store)
            if found is None:
                continue
            value = found
        variables[variable.name] = value
    return replace(
        container,
        env_from=(),
        env=tuple(EnvVar(name=name, value=value) for name, value in variables.items()),
        command=tuple(expand(each, variables) for each in container.command),
        args=tuple(expand(each, variables) for each in container.args),
    )


def expand(text: str, variables: Mapping[str, str]) -> str:
    """The text with `$(NAME)` replaced where there is such a variable; `$$` means a dollar sign."""

    def value(reference: re.Match[str]) -> str:
        whole, name = reference[0], reference[1]
        return "$" if name is None else variables.get(name, whole)

    return _REFERENCE.sub(value, text)


def _all_of(source: EnvFromSource, pod: Pod, store: Store) -> Iterator[tuple[str, str]]:
    if source.config_map_ref is not None:
        config_map = store.find(ConfigMap, source.config_map_ref.name, pod.namespace)
        for key, value in config_map.data.items() if config_map is not None else ():
            yield source.prefix + key, value
    if source.secret_ref is not None:
        secret = store.find(Secret, source.secret_ref.name, pod.namespace)
        for key in secret.data if secret is not None else ():
            text = secret.text(key) if secret is not None else None
            if text is not None:
                yield source.prefix + key, text


def _value_from(source: EnvVarSource, pod: Pod, store: Store) -> str | None:
    if source.field_ref is not None:
        return pod_field(pod, source.field_ref.field_path)
    if source.config_map_key_ref is not None:
        config_map = store.find(ConfigMap, source.config_map_key_ref.name, pod.namespace)
        return config_map.data.get(source.config_map_key_ref.key) if config_map is not None else None
    if source.secret_key_ref is not None:
        secret = store.find(Secret, source.secret_key_ref.name, pod.namespace)
        return secret.text(source.secret_key_ref.key) if secret is not None else None
    return None


def pod_field(pod: Pod, path: str) -> str | None:
    """The field of a Pod that its containers may ask for (the downward API); None for any other."""
    keyed = _KEYED_FIELD.fullmatch(path)
    if keyed is not None:
        return (pod.metadata.labels if keyed[1] == "labels" else pod.metadata.annotations).get(keyed[2], "")
    return {
        "metadata.name": pod.name,
        "metadata.namespace": pod.namespace,
        "metadata.uid": pod.metadata.uid,
        "spec.nodeName": pod.spec.node_name,
        "status.hostIP": pod.status.host_ip,
        "status.podIP": pod.status.pod_ip,
    }.get(path)
