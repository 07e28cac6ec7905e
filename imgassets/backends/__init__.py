"""How an image gets made. One protocol (`base`), one file a backend.

To add a backend: write a class with the two methods of `base.Backend`, give it a model document
with its own `backend` (as `documents.model` and `documents.gemini` have) and a line in
`documents.models`, open it in `registry.open_backend`, and let it pass
`imgassets_tests/backends/test_backend_contract.py`. A provider's API is less: the four methods of
`hosted.Provider`; paying once, budget, rate and patience are there already.
"""
