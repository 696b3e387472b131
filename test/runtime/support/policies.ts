/** Policies of the tests of the API. */

export const basic = `
actor User {}
actor Group {}
resource Org {
  roles = ["member", "owner"];
  permissions = ["view", "manage"];
  "member" if "owner";
  "view" if "member";
  "manage" if "owner";
}
resource Repo {
  roles = ["reader", "writer"];
  permissions = ["read", "write"];
  relations = { org: Org };
  "reader" if "writer";
  "reader" if "member" on "org";
  "read" if "reader";
  "write" if "writer";
}
`

/** Wildcards: public repositories, a rule that cannot be enumerated, a global role. */
export const wild = `
actor User {}
global { roles = ["visitor"]; permissions = ["tour"]; "tour" if "visitor"; }
resource Repo {
  roles = ["reader"];
  permissions = ["read", "open", "touch"];
  "read" if "reader";
}
has_permission(_: User, "open", _: Repo);
has_permission(u: User, "open", r: Repo) if has_role(u, "reader", r);
has_permission(_: User, "touch", r: Repo) if not frozen(r);
has_role(_: User, "visitor");
`

/** With a test that passes. */
export const passing = `${basic}
test "readers read" {
  setup { has_role(User{"ana"}, "reader", Repo{"r"}); }
  assert allow(User{"ana"}, "read", Repo{"r"});
  assert_not allow(User{"bob"}, "read", Repo{"r"});
}
`

/** With tests of which the second one passes. */
export const failing = `${basic}
test "first" {
  setup { has_role(User{"ana"}, "reader", Repo{"r"}); }
  assert allow(User{"ana"}, "read", Repo{"r"});
  assert allow(User{"bob"}, "read", Repo{"r"});
  assert allow(User{"eve"}, "read", Repo{"r"});
}
test "second" {
  assert_not allow(User{"ana"}, "read", Repo{"r"});
}
test "third" {
  setup { has_role(User{"ana"}, "writer", Repo{"r"}); }
  assert allow(User{"ana"}, what: String, Repo{"r"}) iff what in ["read", "erase"];
}
`
