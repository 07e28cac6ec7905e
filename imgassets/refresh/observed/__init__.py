"""State beside the code that assets are made from: documents, drift, added seeds.

One file a kind; `kinds.KINDS` is the only list. A new kind is one file here and one entry there.
"""
