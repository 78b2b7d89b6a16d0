// Runs before the first paint, so that a dark console never flashes white. Same origin, so the CSP needs no hash.
(() => {
  try {
    const p = JSON.parse(localStorage.getItem("oc.preferences") || "{}");
    const dark = p.theme === "dark" || (p.theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
    const root = document.documentElement;
    root.classList.toggle("dark", dark);
    if (p.density) root.dataset.density = p.density;
    if (p.navCollapsed) root.dataset.nav = "collapsed";
  } catch {
    // Storage may be blocked; the light theme is fine then.
  }
})();
