"""What stands behind the API class: connection, errors, collections and their objects."""
