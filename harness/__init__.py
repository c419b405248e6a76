"""Does this optimization help on my machine, with my model, and by how much?

Importing this package never imports torch: anyone can list, judge and redraw on a laptop.
"""

__version__ = "0.1.0"
