"""CheckReading to the outside: what watches the camera, keeps the records and tells of them."""
