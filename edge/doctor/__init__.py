"""What is wrong on this device, and how to mend it: a room for each part that can be ill."""
