"""What `mim train mmpose_mix` runs: the same as `mmpose-mix train`."""

import sys

from mmpose_mix.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
