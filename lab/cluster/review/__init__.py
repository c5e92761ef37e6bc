"""What the API server would say to manifests, and what is legal in them and almost surely wrong."""
