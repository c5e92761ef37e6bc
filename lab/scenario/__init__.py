"""Scenario files: schema, player, expectations, reports."""
