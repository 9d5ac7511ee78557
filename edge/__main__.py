"""`python -m edge` is `checkreader`."""

from edge.cli import main

if __name__ == "__main__":
    main()
