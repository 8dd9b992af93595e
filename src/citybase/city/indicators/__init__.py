"""Indicator 指标: a number with a definition in SQL, a target, a history, and a way down to the rows it came from."""

from citybase.city.indicators.compute import compute_due, compute_now
from citybase.city.indicators.definitions import IndicatorDefinition, Target, apply_definitions, check
from citybase.city.indicators.queries import list_indicators, read_indicator, read_rows
from citybase.city.indicators.relations import RELATIONS, NoObservations, ObservationSources

__all__ = [
    "RELATIONS",
    "IndicatorDefinition",
    "NoObservations",
    "ObservationSources",
    "Target",
    "apply_definitions",
    "check",
    "compute_due",
    "compute_now",
    "list_indicators",
    "read_indicator",
    "read_rows",
]
