"""Log-probabilities to Reading: best strings, grammars, honest confidence, the error budget."""
