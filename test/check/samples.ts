/** Policies as people publish them, in our own words: all of them load. */

export const samples: Readonly<Record<string, string>> = {
  'code hosting': `
actor User {}
actor Team { roles = ["member"]; relations = { parent: Team }; "member" if "member" on "parent"; }
global { roles = ["admin"]; permissions = ["create_org"]; "create_org" if "admin"; }
resource Organization {
  roles = ["member", "admin"];
  permissions = ["read", "repository.create"];
  "member" if "admin";
  "admin" if global "admin";
  "read" if "member";
  "repository.create" if "admin";
}
resource Repository {
  roles = ["reader", "editor", "admin",];
  permissions = ["read", "write", "delete", "issue.create"];
  relations = { organization: Organization, parent: Repository, };
  "reader" if "editor";
  "editor" if "admin";
  "reader" if "member" on "organization";
  "admin" if "admin" on "organization";
  role if role on "parent";
  "read" if "reader";
  "write" if "editor";
  "delete" if "admin";
  "issue.create" if "reader";
};
resource Issue {
  roles = ["author"];
  permissions = ["read", "close"];
  relations = { repository: Repository, creator: User };
  "author" if "creator";
  "read" if "read" on "repository";
  "close" if "write" on "repository" or "author";
}
has_role(_: User, "reader", r: Repository) if is_public(r, true);
has_role(user: User, role: String, r: Repository) if
  team matches Team and
  has_role(user, "member", team) and
  has_role(team, role, r);
test fixture acme {
  has_role(User{"alice"}, "admin", Organization{"acme"});
  has_relation(Repository{"anvil"}, "organization", Organization{"acme"});
}
test "admins write" {
  setup { fixture acme; is_public(Repository{"rocket"}, true); has_role(Team{"core"}, "editor", Repository{"anvil"}); }
  assert allow(User{"alice"}, "write", Repository{"anvil"});
  assert_not allow(User{"bob"}, "read", Repository{"anvil"});
  assert allow(User{"bob"}, action: String, Repository{"rocket"}) iff action in ["read", "issue.create"];
}`,
  'custom roles': `
actor User {}
resource Role {}
resource Organization { permissions = ["read", "write"]; relations = { parent: Organization }; permission if permission on "parent"; }
has_permission(actor: Actor, action: String, org: Organization) if
  role matches Role and has_role(actor, role, org) and grants_permission(role, action);
grants_permission(Role{"viewer"}, "read");
declare has_role(User, Role, Organization);
test "viewers read" {
  setup { has_role(User{"a"}, Role{"viewer"}, Organization{"o"}); grants_permission(Role{"custom"}, "write"); }
  assert allow(User{"a"}, "read", Organization{"o"});
}`,
  'attributes, time and quotas': `
actor User {}
resource Organization { roles = ["member"]; }
resource Feature { permissions = ["use"]; relations = { organization: Organization }; }
resource Repository { roles = ["reader"]; permissions = ["read"]; "read" if "reader" and not is_archived(resource, true); }
has_role(user: User, "reader", repo: Repository) if
  has_role_with_expiry(user, "reader", repo, expiration) and expiration > @current_unix_time;
has_permission(user: User, "use", feature: Feature) if
  org matches Organization and
  has_relation(feature, "organization", org) and
  has_role(user, "member", org) and
  quota(org, feature, quota) and used(org, feature, used) and used < quota;
has_permission(_: User, "read", repo: Repository) if region(repo, r) and r in ["eu", "us"];
declare is_archived(Repository, Boolean);`,
  'fields, impersonation, blocks': `
actor User { permissions = ["impersonate"]; roles = ["admin"]; "impersonate" if global "support"; }
global { roles = ["support"]; }
resource Document { roles = ["owner", "viewer"]; permissions = ["read"]; "read" if "viewer" or "owner"; }
allow(actor: Actor, action: String, resource: Resource) if
  has_permission(actor, action, resource) and not blocked(actor, resource);
allow(actor: Actor, action: String, resource: Resource) if
  user matches User and has_permission(actor, "impersonate", user) and allow(user, action, resource);
allow_field(user: User, "read", doc: Document, field: String) if
  has_permission(user, "read", doc) and field in ["title", "body"];
allow_field(user: User, action: String, doc: Document, _field: String) if
  has_role(user, "owner", doc) and action in ["read", "update"];`,
  'folders with inheritance': `
actor Person {}
actor ServiceAccount extends Person {}
resource Node { roles = ["viewer"]; permissions = ["view"]; relations = { folder: Folder, owner: Person }; "view" if "viewer"; "viewer" if "owner"; role if role on "folder"; }
resource Folder extends Node { permissions = ["add"]; "add" if "owner"; }
resource File extends Node { permissions = ["edit"]; "edit" if "owner" or "add" on "folder"; }
has_permission(p: Person, "edit", f: File) if
  badge matches String and needs(f, badge) and not (needs(f, other) and not holds(p, other)) and holds(p, badge);
actorx(role, resource) if f(role, resource);`,
  'default allow by hand, untyped': `
actor User {} resource Repo { roles = ["r"]; permissions = ["p"]; "p" if "r"; }
allow(actor, action, resource) if has_permission(actor, action, resource);
has_role(actor, role, resource) if group(actor, g) and has_role(g, role, resource);`,
}
