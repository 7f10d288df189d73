"""The v4 type model: enums and structs. See `types` and `enums`."""
