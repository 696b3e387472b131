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
