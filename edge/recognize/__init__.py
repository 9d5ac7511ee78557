"""Strip to log-probabilities: the int8 networks and the bundle that carries them."""
