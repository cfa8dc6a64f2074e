"""What the README's figures come from: each file is a command, ``python -m benchmarks.NAME``."""
