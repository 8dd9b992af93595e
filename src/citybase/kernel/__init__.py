"""Kernel: ids, time and working calendar, errors, events, settings. Pure: no I/O."""
