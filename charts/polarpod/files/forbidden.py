"""`helm test`: the launcher may not do what it must not, asked of the API server as the launcher itself.

RBAC only ever adds, so that a right too many comes from somewhere else: a group, another RoleBinding, an aggregated role.
Prints each question with its answer; exits 1 where one is yes.
"""

# ruff: noqa: T201 - its log is what a person reads
import os
import sys

# verb, resource, subresource; "" as the namespace is its own
HERE = (
    ("create", "pods", "exec"),
    ("get", "pods", "exec"),
    ("create", "pods", "attach"),
    ("create", "pods", "portforward"),
    ("patch", "pods", "ephemeralcontainers"),
    ("patch", "pods", ""),
    ("update", "pods", ""),
    ("deletecollection", "pods", ""),
    ("get", "secrets", ""),
    ("list", "secrets", ""),
    ("create", "serviceaccounts", "token"),
    ("create", "rolebindings", ""),
    ("patch", "configmaps", ""),
)
ELSEWHERE = (
    ("create", "pods", ""),
    ("list", "pods", ""),
    ("delete", "pods", ""),
    ("get", "pods", "log"),
    ("list", "secrets", ""),
)
_GROUPS = {"rolebindings": "rbac.authorization.k8s.io"}


def questions(own, others):
    """(namespace, verb, resource, subresource) of all that is asked; the empty namespace is all of them."""
    found = [(own, *one) for one in HERE]
    for namespace in [other for other in others if other != own] + [""]:
        found += [(namespace, *one) for one in ELSEWHERE]
    return found


def words(namespace, verb, resource, subresource):
    """ "create pods/exec in namespace etl"."""
    place = f"in namespace {namespace}" if namespace else "in every namespace"
    return f"{verb} {resource}{'/' + subresource if subresource else ''} {place}"


def main(ask, own, others):
    """Asks everything. Returns the exit code."""
    asked = questions(own, others)
    wrong = 0
    for question in asked:
        allowed = ask(*question)
        wrong += allowed
        print("FAILED  may" if allowed else "ok      may not", words(*question))
    if wrong:
        print(f"{wrong} of {len(asked)} should not be allowed; what allows them:")
        print(f"  kubectl get rolebindings,clusterrolebindings -A -o wide | grep {os.environ.get('ACCOUNT', 'launcher')}")
        print("It is not this chart's Role: take the account, or a group it is in, out of the binding that does.")
        return 1
    print(f"all well: {len(asked)} asked, none allowed")
    return 0


def by_kubernetes():
    """Asks the API server about whoever runs this."""
    from kubernetes import client, config  # not needed to read what is asked

    config.load_incluster_config()
    api = client.AuthorizationV1Api()

    def ask(namespace, verb, resource, subresource):
        attributes = {"namespace": namespace, "verb": verb, "resource": resource, "group": _GROUPS.get(resource, "")}
        body = {"spec": {"resourceAttributes": attributes | ({"subresource": subresource} if subresource else {})}}
        return bool(api.create_self_subject_access_review(body).status.allowed)

    return ask


if __name__ == "__main__":
    sys.exit(main(by_kubernetes(), os.environ["NAMESPACE"], os.environ["OTHER_NAMESPACES"].split()))
