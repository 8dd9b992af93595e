"""How fast observations become durable and visible, against the broker's own rate of storing the same messages.

`python -m benchmarks.ingest [--messages N] [--mqtt-messages N] [--devices N] [--publishers N]` starts engines and an
observer in a temporary folder and prints JSON. Both rates of a ratio come from one run on one machine, with the same
publishers and the same messages: the ratio is what counts.
"""
