"""Government cloud 政务云: hosts and what they really carry.

The machine that CityBase runs on is itself a registered host; its figures are measured, never simulated.
"""
