"""Cluster to rows, spans and explanations: pure functions, no Textual."""
