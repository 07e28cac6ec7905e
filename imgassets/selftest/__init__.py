"""The product tests itself: faults are planted into a healthy model, and must be caught."""

from imgassets.selftest.run import SelfTester

__all__ = ["SelfTester"]
