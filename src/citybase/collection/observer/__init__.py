"""The observer (观测处理): readings from the streams into latest values and the lake, exactly once.

Runs as a process of its own: `python -m citybase.collection.observer`.
"""
