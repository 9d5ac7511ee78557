"""Bundles on their way from the desktop to the device. No TensorFlow here."""
