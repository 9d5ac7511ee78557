"""World to Frame: picture files and cameras."""
