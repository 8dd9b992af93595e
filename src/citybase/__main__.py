"""`python -m citybase` is the command `citybase`."""

from citybase.cli import main

main()
