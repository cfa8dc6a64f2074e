"""What `mim test mmpose_mix` runs: the same as `mmpose-mix test`."""

import sys

from mmpose_mix.cli import main

if __name__ == "__main__":
    sys.exit(main(["test", *sys.argv[1:]]))
