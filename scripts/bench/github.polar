actor User {}

resource Organization {
  roles = ["member", "auditor", "admin"];
  permissions = ["view"];

  "view" if "member";
  "member" if "admin";
}

actor Team {
  roles = ["member"];
  relations = { organization: Organization, parent: Team };
}

# Who is in a team is in every team above it.
has_role(user: User, "member", parent: Team) if
  child matches Team and
  has_relation(child, "parent", parent) and
  has_role(user, "member", child);

resource Repository {
  roles = ["reader", "triager", "writer", "maintainer", "admin"];
  relations = { organization: Organization, owner: User };

  "reader" if "triager";
  "triager" if "writer";
  "writer" if "maintainer";
  "maintainer" if "admin";

  "admin" if "owner";
  "admin" if "admin" on "organization";
  "reader" if "auditor" on "organization";
}

# What a team may do, its members may do.
has_role(user: User, role: String, repository: Repository) if
  team matches Team and
  has_role(team, role, repository) and
  has_role(user, "member", team);

resource Issue {
  permissions = ["read", "comment", "close"];
  relations = { repository: Repository, creator: User };

  "read" if "reader" on "repository";
  "comment" if "triager" on "repository";
  "close" if "maintainer" on "repository";
  "close" if "creator";
}
