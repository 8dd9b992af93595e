"""How fast observations become durable and visible, against the broker's own rate of storing the same messages.

`python -m benchmarks.ingest [--messages N] [--devices N] [--publishers N]` starts engines and an observer in a
temporary folder and prints one line of JSON. Both rates come from one run on one machine: the ratio is what counts.
"""
