// Types of patch-packages.mjs, which is JavaScript because it runs before anything is installed.
export interface Hunk {
  oldStart: number;
  newStart: number;
  removed: string[];
  added: string[];
}
export interface PatchedFile {
  path: string;
  hunks: Hunk[];
}
export function patchesHash(): string;
export function patchPackages(nodeModules: string): PatchedFile[];
export function applyHunks(lines: string[], hunks: readonly Hunk[]): string[] | undefined;
export function parsePatch(text: string): PatchedFile[];
