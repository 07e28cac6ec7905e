"""How an image gets made. One protocol (`base`), one file a backend.

To add a backend: write a class with the two methods of `base.Backend`, name it in
`spec.model.Model.backend` and in `loading.open_backend`, and let it pass
`imgassets_tests/backends/test_backend_contract.py`.
"""
