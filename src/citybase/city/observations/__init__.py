"""Observations (观测): latest values, rules, alarms, and the way back to every reading in the lake."""
