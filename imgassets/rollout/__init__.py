"""A swap in stages behind a flag: gates, outcomes, history, and the way back."""
