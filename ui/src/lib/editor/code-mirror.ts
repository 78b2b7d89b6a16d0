// CodeMirror for job definitions, in a shadow root: there its styles are adopted style sheets, which our content
// security policy allows, while a <style> element in the document is refused. Loaded lazily by yaml-editor.svelte.
import {
  autocompletion,
  type CompletionContext,
  type CompletionResult,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
  startCompletion,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentLess, indentMore } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit } from "@codemirror/language";
import { type Diagnostic, linter, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  hoverTooltip,
  keymap,
  lineNumbers,
  type Tooltip,
} from "@codemirror/view";
import type { JsonSchema } from "@opsconductor/contract/job/to-json-schema";
import { completeExpression } from "./complete-expression.ts";
import { completeJob, describeKey } from "./complete-job.ts";
import { editorTheme } from "./editor-theme.ts";
import type { JobNames } from "./job-names.ts";
import type { JobProblem } from "./job-problems.ts";
import { specialSigns } from "./special-signs.ts";

export interface EditorWords {
  replaceWith: (word: string) => string;
  /** CodeMirror's own phrases (search panel, folds) by their English text. */
  phrases: Readonly<Record<string, string>>;
}

export interface EditorOptions {
  text: string;
  label: string;
  words: EditorWords;
  /** Undefined until the format has been loaded: no completion till then. */
  schema: () => JsonSchema | undefined;
  /** What expressions may name, as far as it is known. */
  names: () => JobNames | undefined;
  onChange: (text: string) => void;
  onSave: () => void;
}

export interface CodeEditor {
  text(): string;
  setText(text: string): void;
  setProblems(problems: readonly JobProblem[]): void;
  goTo(offset: number): void;
  focus(): void;
  destroy(): void;
}

export function createEditor(host: HTMLElement, options: EditorOptions): CodeEditor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const view = new EditorView({ parent: root, root, state: stateOf(options) });
  return {
    text: () => view.state.doc.toString(),
    setText: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
    setProblems: (problems) => view.dispatch(setDiagnostics(view.state, diagnosticsOf(view.state, problems, options))),
    goTo: (offset) => {
      const at = Math.min(offset, view.state.doc.length);
      view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
      view.focus();
    },
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}

function stateOf(options: EditorOptions): EditorState {
  const save = () => {
    options.onSave();
    return true;
  };
  return EditorState.create({
    doc: options.text,
    extensions: [
      lineNumbers(),
      foldGutter(),
      lintGutter(),
      linter(null),
      history(),
      drawSelection(),
      indentOnInput(),
      indentUnit.of("  "),
      EditorState.tabSize.of(2),
      EditorState.phrases.of(options.words.phrases),
      bracketMatching(),
      closeBrackets(),
      highlightActiveLine(),
      highlightActiveLineGutter(),
      specialSigns,
      highlightSelectionMatches(),
      search(),
      yaml(),
      editorTheme,
      autocompletion({ override: [(context) => complete(context, options)], icons: false }),
      hoverTooltip((view, at) => hint(view, at, options)),
      EditorView.contentAttributes.of({ "aria-label": options.label, tabindex: "0" }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) options.onChange(update.state.doc.toString());
      }),
      // Escape, then Tab leaves the editor (CodeMirror's own rule), so that Tab is no trap (WCAG 2.1.2).
      keymap.of([
        { key: "Mod-s", run: save, preventDefault: true },
        { key: "Tab", run: indentMore, shift: indentLess },
        ...closeBracketsKeymap,
        ...completionKeymap,
        ...lintKeymap,
        ...searchKeymap,
        ...historyKeymap,
        ...foldKeymap,
        ...defaultKeymap,
      ]),
    ],
  });
}

function diagnosticsOf(state: EditorState, problems: readonly JobProblem[], options: EditorOptions): Diagnostic[] {
  const end = state.doc.length;
  return problems.map(({ from, to, message, suggestion }) => ({
    from: Math.min(from, end),
    to: Math.min(to, end),
    severity: "error",
    message,
    actions:
      suggestion === undefined
        ? []
        : [
            {
              name: options.words.replaceWith(suggestion),
              apply: (view, start, stop) => view.dispatch({ changes: { from: start, to: stop, insert: suggestion } }),
            },
          ],
  }));
}

/** The lines up to some below the cursor are enough: what is further below does not change the place. */
function placeOf(state: EditorState, at: number) {
  const line = state.doc.lineAt(at);
  return { lines: state.doc.toString().split("\n"), line: line.number - 1, column: at - line.from, start: line.from };
}

function complete(context: CompletionContext, options: EditorOptions): CompletionResult | null {
  const schema = options.schema();
  if (!schema) return null;
  const { lines, line, column, start } = placeOf(context.state, context.pos);
  const names = options.names();
  const named = names && completeExpression(names, lines, line, column);
  const found = named ?? completeJob(schema, lines, line, column);
  // A list that opens by itself on every blank line would be in the way: keys come when asked for or typed.
  if (!found || (!context.explicit && found.word === "" && (found.kind === "key" || found === named))) return null;
  return {
    from: start + found.from,
    validFor: /^[\w.[\]"'-]*$/,
    options: found.options.map((option, index) => ({
      label: option.label,
      detail: option.detail || undefined,
      info: option.info || undefined,
      type: option.kind === "key" ? "property" : "enum",
      boost: option.required ? 50 : -index,
      apply: (view, _, from, to) => apply(view, option.insert, from, to),
    })),
  };
}

function apply(view: EditorView, insert: string, from: number, to: number): void {
  view.dispatch({
    changes: { from, to, insert },
    selection: { anchor: from + insert.length },
    userEvent: "input.complete",
  });
  // What may follow is offered at once, where it is known.
  if (/[\s[]$/.test(insert)) setTimeout(() => startCompletion(view), 0);
}

function hint(view: EditorView, at: number, options: EditorOptions): Tooltip | null {
  const schema = options.schema();
  if (!schema) return null;
  const { lines, line, column, start } = placeOf(view.state, at);
  const found = describeKey(schema, lines, line, column);
  if (!found || (found.info === "" && found.detail === "")) return null;
  return { pos: start + column, above: true, create: () => ({ dom: hintElement(found.info, found.detail) }) };
}

function hintElement(info: string, detail: string): HTMLElement {
  const dom = document.createElement("div");
  dom.className = "cm-hint";
  const text = document.createElement("div");
  text.textContent = info;
  const kind = document.createElement("div");
  kind.className = "cm-hint-detail";
  kind.textContent = detail;
  dom.append(text, kind);
  return dom;
}
