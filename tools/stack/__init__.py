"""The local stack on a kind cluster: Airflow, PostgreSQL, S3 and the worker plane, as one Helm release.

It asks for nothing that a person could not do by hand with the same charts; it saves typing.
"""
