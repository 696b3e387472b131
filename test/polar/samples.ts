/** Valid policies of many shapes, for mutation and round trips. */
export const samples: readonly string[] = [
  `actor Member {}
global {
  roles = ["operator"];
  permissions = ["open_account"];
  "open_account" if "operator";
}
resource Vault {
  roles = ["keeper", "suspended"];
  permissions = ["seal"];
  "seal" if "keeper";
}
resource Box {
  roles = ["holder"];
  permissions = ["peek", "move", "tag"];
  relations = { vault: Vault, owner: Member };
  "holder" if "owner";                                    # 1
  role if role on "vault";                                # 2
  "peek" if "holder" or global "operator";                # 3
  "move" if "seal" on "vault" and not frozen(resource);   # 4
  "tag" if "holder" and not "suspended" on "vault";       # 5
}
`,
  `can_enter(p: Person, d: Door) if
  z matches Zone and
  door_zone(d, z) and
  (cleared(p, z) or guard_of(p, z));
open_to_all(_: Person, Door{"lobby"});
within(low: Integer, high: Integer, x: Integer) if low < x and x <= high and x != 0 and high >= -9223372036854775808;
due(d: Door) if until(d, t) and t > @current_unix_time;
`,
  `test fixture staff {
  has_role(Member{"ann"}, "keeper", Vault{"v1"});
  limit(Member{"ann"}, 3, true);
}
test "keepers may seal" {
  setup {
    fixture staff;
    has_relation(Box{"b1"}, "vault", Vault{"v1"});
  }
  assert allow(Member{"ann"}, "seal", Vault{"v1"});
  assert_not allow(Member{"bob"}, "seal", Vault{"v1"});
  assert allow(Member{"ann"}, what: String, Vault{"v1"}) iff what in ["seal"];
  assert open();
};
`,
  `declare badge(Member, Integer);
declare seen(Member);
@inline @fast has_permission(m: Member, "open", b: Box) if
  v matches! Vault and
  has_relation(b, "vault", v) and
  not (
    badge matches String and
    needs_badge(b, badge) and
    not holds_badge(m, badge)
  );
always() if true; never() if false or not true;
`,
  `actor User { }
actor Robot extends User, Machine, {
  permissions = ["run", "stop \\"now\\"", ];
  @flag "run" if ("stop \\"now\\"" or run_by(actor, resource, role, "x\\ny")) and not (global role or "a" on resource);
  permission if permission on "owner";
}
resource Ordner::Ablage extends Ding { relations = { eltern?: Ordner::Ablage, größe: User, }; }
`,
  `actor(role, global) if test(default, on) and resource(type) and type = role and global = on;
p(x, y) if x = "a\\tb" and y in [1, -2, Integer{3}, Vault{"v"}] and "z" in [] and _x = _;
q(123, "", true, @current_unix_time, Boolean{false}, _, _);
`,
  `resource Überblick {
  roles = ["email.read", "box:view", "with blank", "漢字", "😀"];
  "email.read" if "box:view" and "with blank" or "漢字" and ("😀" or not not "email.read");
  "box:view" if role on "email.read" or global "x" or permission;
}
`,
]
