// The arithmetic of the log's pane: rows of one height, and a scroll range that browsers can still represent. Pure.

export const rowHeight = 20;
/** Browsers cap the height of an element (Chromium near 33, Firefox near 17 million pixels); above this it is scaled. */
export const maxHeight = 15_000_000;
const overscan = 10;

export interface PaneWindow {
  /** Rows [first, last) are painted. */
  first: number;
  last: number;
  /** Added to `row * rowHeight`, so that scaled panes show the rows where the scroll position is. */
  shift: number;
}

export function paneHeight(count: number): number {
  return Math.min(count * rowHeight, maxHeight);
}

/** Content pixels for each pixel scrolled; 1 until the content is higher than a browser can make it. */
function scaleOf(count: number, viewHeight: number): number {
  const height = count * rowHeight;
  return height > maxHeight ? (height - viewHeight) / (maxHeight - viewHeight) : 1;
}

export function windowAt(count: number, viewHeight: number, scrollTop: number): PaneWindow {
  const top = Math.max(0, scrollTop) * scaleOf(count, viewHeight);
  const last = Math.min(count, Math.ceil((top + viewHeight) / rowHeight) + overscan);
  const first = Math.max(0, Math.min(Math.floor(top / rowHeight) - overscan, last));
  return { first, last, shift: Math.round(Math.max(0, scrollTop) - top) };
}

/** Rows that are wholly or partly in view, without the overscan. */
export function visibleRows(count: number, viewHeight: number, scrollTop: number): { first: number; last: number } {
  const top = Math.max(0, scrollTop) * scaleOf(count, viewHeight);
  return {
    first: Math.min(count, Math.floor(top / rowHeight)),
    last: Math.min(count, Math.ceil((top + viewHeight) / rowHeight)),
  };
}

/** Where to scroll so that `row` stands in the middle of the view. */
export function scrollTopOf(row: number, count: number, viewHeight: number): number {
  const wanted = row * rowHeight - (viewHeight - rowHeight) / 2;
  const most = Math.max(0, paneHeight(count) - viewHeight);
  return Math.min(most, Math.max(0, wanted / scaleOf(count, viewHeight)));
}

/** Whether the end of the log is in view: then following goes on by itself. */
export function isAtEnd(scrollTop: number, viewHeight: number, scrollHeight: number): boolean {
  return scrollTop + viewHeight >= scrollHeight - 4;
}
