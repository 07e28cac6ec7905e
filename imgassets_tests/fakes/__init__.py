"""Providers on loopback: real sockets, the documented protocols, and faults on demand."""
