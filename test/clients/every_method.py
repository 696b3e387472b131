"""Every public method of the Python client but local authorization. Arguments: URL, key, URL of a server that is gone."""

import inspect
import logging
import sys
from uuid import uuid4

from oso_cloud import Oso, OsoException, ParityHandle, Value, ValueOfType, typed_var
from oso_cloud.for_agents import ForAgents
from oso_cloud.oso import BatchTransaction
from oso_cloud.query import QueryBuilder

url, key, gone = sys.argv[1:]
oso = Oso(url, key)
checks = 0

# Every public method by its class: a new one shows here, and one that is listed must have been called at the end.
METHODS = {
    Oso: "actions authorize batch build_query delete for_agents get get_policy_metadata insert list list_paginated policy",
    BatchTransaction: "delete insert",
    QueryBuilder: "and_ clone evaluate in_ init with_context_facts",
    ParityHandle: "expect",
    ForAgents: "message_from_user message_to_user tool_call_error tool_call_request tool_call_response",
}
LOCAL = {
    Oso: "actions_local authorize_local list_local",
    QueryBuilder: "evaluate_local_filter evaluate_local_select",
}
called = set()


def listed(methods):
    return {(kind, name) for kind, names in methods.items() for name in names.split()}


def code_of(kind, name):
    return inspect.unwrap(getattr(kind, name)).__code__


public = {(kind, name) for kind in METHODS for name, _ in inspect.getmembers(kind, callable) if not name.startswith("_")}
names = {code_of(kind, name): (kind, name) for kind, name in public}


def note_call(frame, event, _):
    if event == "call" and frame.f_code in names:
        called.add(names[frame.f_code])


sys.setprofile(note_call)


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


same(public, listed(METHODS) | listed(LOCAL))

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
early = ParityHandle()
early.expect(False)
same(oso.authorize(user("ana"), "read", repo("r1"), parity_handle=early), True)

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

# Context facts count in every question, and in that question alone.
reads = [("has_role", user("zed"), "reader", repo(id)) for id in ["c1", "c2", "c3"]]
same(oso.list(user("zed"), "read", "Repo"), [])
same(oso.list(user("zed"), "read", "Repo", context_facts=reads), ["c1", "c2", "c3"])
first = oso.list_paginated(user("zed"), "read", "Repo", 2, context_facts=reads)
same(first.results, ["c1", "c2"])
last = oso.list_paginated(user("zed"), "read", "Repo", 2, page_token=first.next_page_token, context_facts=reads)
same((last.results, last.next_page_token), (["c3"], None))
same(oso.list_paginated(user("zed"), "read", "Repo", 2).results, [])
same(oso.actions(user("zed"), repo("c1"), context_facts=reads), ["browse", "read"])
same(oso.actions(user("zed"), repo("c1")), ["browse"])

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

# Events of agents have no place here: each is refused, which the client logs and which must not disturb who sends them.
class Lines(logging.Handler):
    found = []

    def emit(self, record):
        self.found.append(record.getMessage())


logging.getLogger("oso_cloud.for_agents").addHandler(Lines())
agents = oso.for_agents("agent", uuid4(), [user("ana")])
for event, send in {
    "tool_call_request": lambda: agents.tool_call_request("search", {"words": "x"}),
    "tool_call_response": lambda: agents.tool_call_response("search", {"found": 1}),
    "tool_call_error": lambda: agents.tool_call_error("search"),
    "message_from_user": lambda: agents.message_from_user("hello"),
    "message_to_user": lambda: agents.message_to_user("hello"),
}.items():
    Lines.found.clear()
    same(send(), None)
    path = f"{url}/api/agents/event/{event}"
    same(Lines.found, [f"Failed to send event: 404 Client Error: {path} for url: {path}"])

sys.setprofile(None)
same(called, listed(METHODS))
print(f"all methods answered as expected: {checks} checks")
