"""``python -m psmacore`` to the command line."""

import sys

CANCELLED = 130

if __name__ == "__main__":
    try:
        from psmacore.cli.main import main

        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:  # before the command could take over
        sys.exit(CANCELLED)
