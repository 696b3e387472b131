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
  "viewer" if "auditor" on "tenant";
}

resource Document {
  roles = ["viewer", "editor"];
  permissions = ["read", "comment", "write"];
  relations = { folder: Folder, tenant: Tenant };

  "viewer" if "editor";
  # Shared with everyone of a tenant.
  "viewer" if "member" on "tenant";

  "read" if "viewer";
  "comment" if "viewer";
  "write" if "editor";
}

# Who has a role on a folder has it on all that is in it.
has_role(user: User, role: String, folder: Folder) if
  parent matches Folder and
  has_relation(folder, "parent", parent) and
  has_role(user, role, parent);

has_role(user: User, role: String, document: Document) if
  folder matches Folder and
  has_relation(document, "folder", folder) and
  has_role(user, role, folder);

# What a group may do, its members may do.
has_role(user: User, role: String, folder: Folder) if
  group matches Group and
  has_role(group, role, folder) and
  has_role(user, "member", group);

has_permission(_: User, "read", document: Document) if is_public(document);
