"""The embedded text-to-image models: their scenes, their training, their weights.

Importing this package loads nothing heavy; torch and diffusers come with the modules that train
or upscale. Nothing here knows contracts, Dagster or metrics.
"""
