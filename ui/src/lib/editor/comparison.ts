// CodeMirror's comparison of two texts, in a shadow root like the editor. Loaded lazily by diff-view.svelte.
import { yaml } from "@codemirror/lang-yaml";
import { MergeView, unifiedMergeView } from "@codemirror/merge";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView, lineNumbers } from "@codemirror/view";
import { editorTheme } from "./editor-theme.ts";
import { specialSigns } from "./special-signs.ts";

export interface ComparisonOptions {
  before: string;
  after: string;
  /** What the two sides are, for assistive technology. */
  labels: readonly [string, string];
  phrases: Readonly<Record<string, string>>;
  language: "yaml" | "text";
}

/** Below this width two columns of code are two columns of fragments. */
const sideBySidePx = 720;
const collapseUnchanged = { margin: 3, minSize: 6 };
/** Lines wrap instead of scrolling two panes apart; the merge view itself scrolls. */
const frame = "height:100%;overflow:auto";

/** Shows the comparison in `host`; the returned function takes it away. */
export function createComparison(host: HTMLElement, options: ComparisonOptions): () => void {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const box = document.createElement("div");
  box.style.cssText = frame;
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", options.labels.join(" – "));
  root.append(box);
  const view = host.clientWidth >= sideBySidePx ? sideBySide(root, box, options) : oneColumn(root, box, options);
  return () => {
    view.destroy();
    box.remove();
  };
}

function common(label: string, options: ComparisonOptions): Extension {
  return [
    lineNumbers(),
    specialSigns,
    options.language === "yaml" ? yaml() : [],
    editorTheme,
    // The box around scrolls, not each pane.
    EditorView.theme({ "&": { height: "auto" }, ".cm-scroller": { overflow: "visible" } }),
    EditorView.lineWrapping,
    EditorState.readOnly.of(true),
    EditorView.editable.of(false),
    EditorState.phrases.of(options.phrases),
    EditorView.contentAttributes.of({ "aria-label": label }),
  ];
}

function sideBySide(root: ShadowRoot, parent: HTMLElement, options: ComparisonOptions) {
  const [a, b] = options.labels;
  return new MergeView({
    parent,
    root,
    a: { doc: options.before, extensions: common(a, options) },
    b: { doc: options.after, extensions: common(b, options) },
    collapseUnchanged,
    gutter: true,
  });
}

function oneColumn(root: ShadowRoot, parent: HTMLElement, options: ComparisonOptions) {
  const merge = unifiedMergeView({ original: options.before, mergeControls: false, collapseUnchanged, gutter: true });
  return new EditorView({
    parent,
    root,
    doc: options.after,
    extensions: [common(options.labels.join(" – "), options), merge],
  });
}
