"""The control plane: store, addresses, controllers, kubelets."""
