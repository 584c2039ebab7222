"""Small networks in plain NumPy, and a short training for every optimizer."""
