"""The same declarations for other runners: asv, which follows commits, and pytest-benchmark."""
