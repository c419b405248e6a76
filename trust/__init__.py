"""The proof: this harness and four other tools judge the same planted slowdowns, at equal wall time.

Not part of the package that is installed: it compares it with what others use. ``python -m trust --help``.
"""
