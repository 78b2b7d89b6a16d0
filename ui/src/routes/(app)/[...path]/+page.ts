// Any other address: the 404 page inside the shell, where search and navigation are at hand.
import { error } from "@sveltejs/kit";
import { m } from "#lib/messages/m.ts";

export function load(): never {
  error(404, m.shell.error.notFoundTitle);
}
