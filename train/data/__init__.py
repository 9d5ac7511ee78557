"""Labelled sets, splits, corrections and the synthetic strips."""
