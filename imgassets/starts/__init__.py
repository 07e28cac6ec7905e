"""Projects to start from: what `imgassets init` writes. One folder a start, and the demo's own."""
