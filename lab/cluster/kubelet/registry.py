"""Where all nodes pull their images from: whether it answers, how fast, and what it does not have.

It is one for every registry that an image may name. What is said when a pull fails is containerd's
(core/remotes/docker, client/pull.go), as the kubelet hands it on.
"""

from __future__ import annotations

from collections.abc import Callable

from lab.kube.images import Reference, reference


class Registry:
    """Every image is there unless somebody says otherwise."""

    def __init__(self) -> None:
        self.up = True
        self.slow_s = 0.0
        """How much longer each pull takes than it should."""
        self.removed: dict[str, None] = {}
        """Images that were taken out, as they are written in full: docker.io/library/nginx:1.27."""
        self.holds: Callable[[str], bool] = lambda image: True
        """Whether an image is there that was not taken out; the traffic's apps may say that one is not."""

    def refusal(self, image: str) -> str:
        """Why an image cannot be pulled now; empty when it can."""
        asked = reference(image)
        failed = f'failed to pull and unpack image "{asked.full}": failed to resolve reference "{asked.full}"'
        if not self.up:
            return f"{failed}: unexpected status from HEAD request to {_manifest(asked)}: 503 Service Unavailable"
        if asked.full in self.removed or not self.holds(image):
            return f"rpc error: code = NotFound desc = {failed}: {asked.full}: not found"
        return ""


def _manifest(asked: Reference) -> str:
    """Where the registry API has it (OCI distribution specification, pulling manifests)."""
    host = "registry-1.docker.io" if asked.host == "docker.io" else asked.host
    return f"https://{host}/v2/{asked.path}/manifests/{asked.version}"
