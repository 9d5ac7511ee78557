"""Frame to Page to FieldRegion to Strip."""
