"""Units that users wrote, as the engine sees them: discovered, shown, asked."""
