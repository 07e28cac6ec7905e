"""What is out of date and why, what it costs, and whether what was made still holds.

Pure functions over documents, records and images; what Dagster knows is read in
`imgassets.refresh.dagster_state`, and runs are started in `imgassets.refresh.execute`.
"""
