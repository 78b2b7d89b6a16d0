// Messages that come with the pages that show them, instead of with the first load: `areas/<area>.ts` is
// `export const <area> = area({…})`, and components import that. For areas that neither the shell nor sign-in shows.
let translate: <T>(messages: T) => T = (messages) => messages;

/** In the locale in use. Evaluated when the page's code is, which is after the start. */
export function area<T>(english: T): T {
  return translate(english);
}

/** Called once at the start, before any page is loaded. */
export function useAreas(translation: <T>(messages: T) => T): void {
  translate = translation;
}
