// The console is a single-page application: nothing is rendered on a server.
export const ssr = false;
export const prerender = false;
