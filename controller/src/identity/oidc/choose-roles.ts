// The roles of somebody who signs in with the provider: those that the configuration maps follow the groups, the others
// stay. Pure.

interface Mapping {
  roles: readonly { group: string; role: string }[];
  defaultRole: string | undefined;
}

export function chooseRoles(
  current: readonly string[],
  groups: readonly string[],
  { roles, defaultRole }: Mapping,
): string[] {
  const mapped = new Set(roles.map(({ role }) => role));
  const given = roles.filter(({ group }) => groups.includes(group)).map(({ role }) => role);
  const chosen = [...new Set([...current.filter((role) => !mapped.has(role)), ...given])].sort();
  return chosen.length === 0 && defaultRole !== undefined ? [defaultRole] : chosen;
}
