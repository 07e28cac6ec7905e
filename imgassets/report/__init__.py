"""The report a release manager reads: one HTML file, a Markdown summary, JUnit XML and JSON.

Everything is made from `ReportInput`; the HTML file is self-contained (no script, no external
request) and stays under `page.MAX_BYTES` whatever the number of images.
"""
