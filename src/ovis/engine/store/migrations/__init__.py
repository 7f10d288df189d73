"""Database migrations, run by `ovis-engine setup`."""
