"""Clients, servers and what is measured of them."""
