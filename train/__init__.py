"""Desktop side: data, networks, training, quantization and measurement. The only place where TensorFlow exists."""
