"""Decay: how good the answers of a model are, realised from labels and estimated without them."""
