"""The kubelet: what one node does to run the Pods that are bound to it."""
