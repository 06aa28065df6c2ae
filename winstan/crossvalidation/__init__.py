"""What a fit says of rows and units that it has not seen: by refits without them."""
