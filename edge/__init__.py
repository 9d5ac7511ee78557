"""The runtime on the device: from a camera frame to a check reading, one folder per arrow of the data flow."""

__version__ = "0.3.0"
