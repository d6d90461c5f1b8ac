"""`make cluster`: a Kubernetes on this machine to run polarpod's jobs in, and `down` to be rid of it.

It drives what people have already, docker, kind and kubectl, and writes only into this repository's `.polarpod/cluster`:
nobody's own kubeconfig is touched.
"""
