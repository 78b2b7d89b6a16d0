// What the form of a user holds, and what may be sent. Pure.
import type { UserInput, UserRecord } from "../api/types.ts";

export interface UserForm {
  username: string;
  displayName: string;
  email: string;
  roles: string[];
}

export type UserProblem = "usernameMissing" | "usernameWrong" | "emailWrong";

export function userForm(user: UserRecord | undefined): UserForm {
  return {
    username: user?.username ?? "",
    displayName: user?.displayName ?? "",
    email: user?.email ?? "",
    roles: [...(user?.roles ?? [])],
  };
}

export function userProblems(form: UserForm): UserProblem[] {
  const problems: UserProblem[] = [];
  if (form.username.trim() === "") problems.push("usernameMissing");
  else if (!/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(form.username.trim())) problems.push("usernameWrong");
  if (form.email.trim() !== "" && !/^\S+@\S+\.\S+$/.test(form.email.trim())) problems.push("emailWrong");
  return problems;
}

export function userInputOf(form: UserForm): Required<UserInput> {
  return {
    username: form.username.trim(),
    displayName: form.displayName.trim(),
    email: form.email.trim() === "" ? null : form.email.trim(),
    roles: form.roles,
  };
}
