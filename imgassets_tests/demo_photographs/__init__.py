"""The photographs of the demo: what they show, which faults are planted, and how they are made."""
