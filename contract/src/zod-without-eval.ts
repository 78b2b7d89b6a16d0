// In a browser zod must not look for `new Function`: our Content-Security-Policy forbids it, and even a caught attempt
// is reported as a violation. Imported, before any schema is made, by what the console takes from here.
import * as z from "zod";

if ("document" in globalThis) z.config({ jitless: true });
