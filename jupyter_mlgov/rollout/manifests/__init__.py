"""A release as Kubernetes manifests: pure functions from facts to documents, and from documents to the files of a Kustomize tree."""
