"""Jobs that techniques put in the place of a model's own. Importing them does not import torch."""
