"""What a deploy runs on the device: sent there over ssh as text, it needs nothing but the device's python3.

Standard library alone, and nothing that a Python older than 3.11 cannot parse: it has to say so itself where the device is too old.
"""
