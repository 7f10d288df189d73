"""What may come next in a search, at the cursor."""
