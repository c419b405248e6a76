"""Real data for the workloads: text that every Python brings along, scanned digits, and seeded JPEGs."""
