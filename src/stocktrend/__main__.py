"""``python -m stocktrend``."""

from stocktrend.cli import main

if __name__ == "__main__":
    main()
