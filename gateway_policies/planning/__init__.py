"""What would have to happen for a gateway to be as the files say: pure, from data to data."""
