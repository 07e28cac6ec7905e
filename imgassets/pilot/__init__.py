"""Production-like traffic replayed against a served model, and what came back."""
