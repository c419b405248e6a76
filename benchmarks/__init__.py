"""The declarations; one file each. asv imports this folder as a package and finds its classes here."""

from harness.adapters import asv

globals().update(asv.classes(__path__[0]))
