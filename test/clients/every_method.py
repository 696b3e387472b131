"""Every public method of the Python client but local authorization. Arguments: URL, key, URL of a server that is gone."""

import sys
from uuid import uuid4

from oso_cloud import Oso, OsoException, ParityHandle, Value, ValueOfType, typed_var

url, key, gone = sys.argv[1:]
oso = Oso(url, key)
checks = 0


def same(found, expected):
    global checks
    checks += 1
    assert found == expected, f"check {checks}: found {found!r}, expected {expected!r}"


def refused(call, message):
    global checks
    checks += 1
    try:
        call()
    except OsoException as error:
        assert message in str(error), f"check {checks}: {error}"
    else:
        raise AssertionError(f"check {checks}: nothing was refused")


def user(id):
    return Value("User", id)


def repo(id):
    return Value("Repo", id)


POLICY = """
actor User {}
resource Org { roles = ["member"]; }
resource Repo {
  roles = ["reader", "writer"];
  permissions = ["read", "write"];
  relations = { org: Org };
  "reader" if "member" on "org";
  "reader" if "writer";
  "read" if "reader";
  "write" if "writer";
}
declare plan(Org, Integer);
declare trial(Org, Boolean);
has_permission(_: User, "browse", _: Repo);
"""

oso.policy(POLICY)
refused(lambda: oso.policy("actor User {"), "1")
metadata = oso.get_policy_metadata()
same(metadata.resources["Repo"].roles, ["reader", "writer"])
same(metadata.resources["Repo"].permissions, ["read", "write"])
same(metadata.resources["Repo"].relations, {"org": "Org"})

oso.insert(("has_role", user("ana"), "writer", repo("r1")))
oso.insert(("plan", Value("Org", "o1"), 7))
oso.insert(("trial", Value("Org", "o1"), True))
with oso.batch() as tx:
    tx.insert(("has_role", user("bob"), "member", Value("Org", "o1")))
    tx.insert(("has_relation", repo("r2"), "org", Value("Org", "o1")))
    tx.insert(("has_role", user("bob"), "reader", repo("gone")))
    tx.delete(("has_role", user("bob"), "reader", repo("gone")))
refused(lambda: oso.insert(("is_active", user("ana"))), "not used in policy")

same(oso.authorize(user("ana"), "write", repo("r1")), True)
same(oso.authorize(user("ana"), "write", repo("r2")), False)
same(oso.authorize(user("zed"), "read", repo("r2"), [("has_role", user("zed"), "member", Value("Org", "o1"))]), True)
handle = ParityHandle()
same(oso.authorize(user("ana"), "read", repo("r1"), parity_handle=handle), True)
handle.expect(True)

same(oso.list(user("bob"), "read", "Repo"), ["r2"])
same(oso.list(user("bob"), "browse", "Repo"), ["*"])
for number in range(5):
    oso.insert(("has_role", user("paul"), "reader", repo(f"p{number}")))
pages = []
token = None
while True:
    page = oso.list_paginated(user("paul"), "read", "Repo", 2, page_token=token)
    pages.append(page.results)
    token = page.next_page_token
    if token is None:
        break
same(sorted(id for page in pages for id in page), [f"p{number}" for number in range(5)])
same([len(page) for page in pages], [2, 2, 1])
same(sorted(oso.actions(user("ana"), repo("r1"))), ["browse", "read", "write"])

bob_member = ("has_role", user("bob"), Value("String", "member"), Value("Org", "o1"))
same(oso.get(("has_role", user("bob"), None, None)), [bob_member])
same(oso.get(("has_role", ValueOfType("User"), "member", ValueOfType("Org"))), [bob_member])
same(oso.get(("plan", Value("Org", "o1"), None)), [("plan", Value("Org", "o1"), Value("Integer", "7"))])
same(len(oso.get(("trial", Value("Org", "o1"), True))), 1)

action, which = typed_var("String"), typed_var("Repo")
same(oso.build_query(("allow", user("ana"), "read", repo("r1"))).evaluate(), True)
same(sorted(oso.build_query(("allow", user("ana"), action, repo("r1"))).evaluate(action)), ["browse", "read", "write"])
same(
    sorted(oso.build_query(("allow", user("bob"), action, which)).in_(which, ["r1", "r2"]).evaluate((action, which))),
    [("browse", "r1"), ("browse", "r2"), ("read", "r2")],
)
in_org = oso.build_query(("allow", user("bob"), "read", which)).and_(("has_relation", which, "org", Value("Org", "o1")))
same(in_org.evaluate(which), ["r2"])
same(in_org.evaluate({which: which}), {"r2": ["r2"]})
with_fact = oso.build_query(("allow", user("zed"), "read", which)).with_context_facts(
    [("has_role", user("zed"), "reader", repo("ctx"))]
)
same(with_fact.evaluate(which), ["ctx"])

oso.delete(("has_role", user("paul"), None, ValueOfType("Repo")))
same(oso.list(user("paul"), "read", "Repo"), [])
oso.delete(("has_role", ValueOfType("User"), None, None))
same(oso.get(("has_role", None, None, None)), [])

# Reads go to the fallback when the server is gone.
same(Oso(gone, key, fallback_url=url).authorize(user("ana"), "browse", repo("r1")), True)

# Events of agents have no place here, which must not disturb who sends them.
oso.for_agents("agent", uuid4(), [user("ana")]).tool_call_request("search", {})

print(f"all methods answered as expected: {checks} checks")
