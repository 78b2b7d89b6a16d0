// The look of the YAML editor and of the comparison: the console's tokens, which reach into the shadow root.
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const colours = HighlightStyle.define([
  { tag: tags.definition(tags.propertyName), color: "var(--run)" },
  { tag: [tags.string, tags.content, tags.attributeValue], color: "var(--fg)" },
  { tag: tags.string, color: "var(--ok)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--fg-2)", fontStyle: "italic" },
  { tag: [tags.separator, tags.punctuation, tags.squareBracket, tags.brace], color: "var(--fg-2)" },
  { tag: [tags.labelName, tags.typeName, tags.keyword, tags.special(tags.string)], color: "var(--wait)" },
]);

const tint = (colour: string, percent: number) => ({
  backgroundColor: `color-mix(in oklch, var(--${colour}) ${percent}%, transparent)`,
});
/** Fields and buttons inside of the editor's own panels. */
const control = {
  color: "var(--fg)",
  background: "var(--surface)",
  border: "1px solid var(--line-2)",
  borderRadius: "4px",
  fontSize: "13px",
};

const look = EditorView.theme({
  "&": { height: "100%", fontSize: "13px", color: "var(--fg)", backgroundColor: "var(--surface)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "20px", fontVariantLigatures: "none" },
  ".cm-content": { caretColor: "var(--fg)", paddingBlock: "8px" },
  ".cm-cursor": { borderLeftColor: "var(--fg)" },
  ".cm-gutters": { color: "var(--fg-2)", backgroundColor: "var(--surface)", border: "none" },
  ".cm-lineNumbers .cm-gutterElement": { minWidth: "36px", padding: "0 8px 0 0" },
  ".cm-foldGutter .cm-gutterElement": { color: "var(--fg-2)", cursor: "pointer" },
  ".cm-activeLine": tint("accent", 6),
  ".cm-activeLineGutter": { color: "var(--fg)", ...tint("accent", 6) },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": tint(
    "accent",
    26,
  ),
  ".cm-selectionMatch": tint("warn", 18),
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": {
    ...tint("accent", 20),
    outline: "1px solid var(--line-2)",
  },
  ".cm-sign": {
    margin: "0 1px",
    padding: "0 2px",
    borderRadius: "3px",
    outline: "1px solid var(--line-2)",
    color: "var(--bad)",
    fontSize: "0.85em",
    unicodeBidi: "isolate",
  },
  ".cm-foldPlaceholder": { color: "var(--fg-2)", backgroundColor: "var(--surface-2)", border: "1px solid var(--line)" },
  ".cm-tooltip": {
    color: "var(--fg)",
    backgroundColor: "var(--surface)",
    border: "1px solid var(--line)",
    borderRadius: "6px",
    boxShadow: "0 8px 24px oklch(0.2 0.02 260 / 0.18)",
    fontFamily: "var(--font-sans)",
    fontSize: "13px",
    lineHeight: "20px",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--font-mono)", fontSize: "12px", maxHeight: "16em" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "3px 10px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": {
    color: "var(--accent-fg)",
    backgroundColor: "var(--accent)",
  },
  ".cm-completionDetail": { marginLeft: "12px", fontStyle: "normal", color: "var(--fg-2)" },
  "li[aria-selected] .cm-completionDetail": { color: "inherit" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
  ".cm-completionInfo": { padding: "8px 10px", maxWidth: "320px" },
  ".cm-hint": { padding: "6px 10px", maxWidth: "360px" },
  ".cm-hint-detail": { color: "var(--fg-2)", fontFamily: "var(--font-mono)", fontSize: "12px" },
  ".cm-diagnostic": { padding: "6px 10px", borderLeft: "3px solid var(--bad)", maxWidth: "440px" },
  ".cm-diagnosticAction": {
    ...control,
    background: "var(--surface-2)",
    padding: "2px 8px",
    marginLeft: "8px",
    cursor: "pointer",
  },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--bad) 1px",
    textUnderlineOffset: "3px",
  },
  ".cm-lintPoint::after": { borderBottomColor: "var(--bad)" },
  ".cm-gutter-lint": { width: "16px" },
  ".cm-lint-marker-error": {
    content: "''",
    width: "8px",
    height: "8px",
    margin: "6px 4px",
    borderRadius: "50%",
    backgroundColor: "var(--bad)",
  },
  ".cm-panels": { color: "var(--fg)", backgroundColor: "var(--surface-2)", borderColor: "var(--line)" },
  ".cm-panels-bottom": { borderTop: "1px solid var(--line)" },
  ".cm-textfield": control,
  ".cm-button": control,
  ".cm-panel.cm-search label": { fontSize: "12px" },
  ".cm-searchMatch": tint("warn", 30),
  ".cm-searchMatch-selected": tint("warn", 55),
  ".cm-collapsedLines": {
    color: "var(--fg-2)",
    background: "var(--surface-2)",
    border: "none",
    padding: "4px 12px",
    fontFamily: "var(--font-sans)",
  },
  // The glyphs around "n unchanged lines" are missing in many fonts.
  ".cm-collapsedLines::before, .cm-collapsedLines::after": { content: "''" },
  "&.cm-merge-a .cm-changedLine, .cm-deletedChunk": { backgroundColor: "var(--bad-bg)" },
  "&.cm-merge-b .cm-changedLine, .cm-insertedLine": { backgroundColor: "var(--ok-bg)" },
  // A line below instead of a darker ground, on which coloured words would be hard to read.
  "&.cm-merge-a .cm-changedText, .cm-deletedChunk .cm-deletedText": {
    background: "none",
    boxShadow: "inset 0 -2px 0 var(--bad)",
  },
  "&.cm-merge-b .cm-changedText": { background: "none", boxShadow: "inset 0 -2px 0 var(--ok)" },
  "&.cm-merge-a .cm-changedLineGutter, .cm-deletedLineGutter": { background: "var(--bad)" },
  "&.cm-merge-b .cm-changedLineGutter": { background: "var(--ok)" },
});

export const editorTheme: Extension = [look, syntaxHighlighting(colours)];
