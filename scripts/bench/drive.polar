actor User {}

resource Tenant {
  roles = ["member", "auditor"];
}

actor Group {
  roles = ["member"];
}

resource Folder {
  roles = ["viewer", "editor"];
  relations = { parent: Folder, tenant: Tenant };

  "viewer" if "editor";
  role if role on "parent";
  "viewer" if "auditor" on "tenant";
}

resource Document {
  roles = ["viewer", "editor"];
  permissions = ["read", "comment", "write"];
  relations = { folder: Folder, tenant: Tenant };

  "viewer" if "editor";
  role if role on "folder";
  # Shared with everyone of a tenant.
  "viewer" if "member" on "tenant";

  "read" if "viewer";
  "comment" if "viewer";
  "write" if "editor";
}

# What a group may do, its members may do.
has_role(user: User, role: String, folder: Folder) if
  group matches Group and
  has_role(group, role, folder) and
  has_role(user, "member", group);

has_permission(_: User, "read", document: Document) if is_public(document);
