// Where a popup goes: under its anchor, above it when there is no room, always inside the window. In CSS pixels.

export function placeBeside(
  anchor: Element,
  popup: Element,
  align: "start" | "end",
  gap = 4,
): { left: number; top: number } {
  const at = anchor.getBoundingClientRect();
  const size = popup.getBoundingClientRect();
  const margin = 8;
  const wanted = align === "end" ? at.right - size.width : at.left;
  const below = at.bottom + gap;
  const fits = below + size.height <= innerHeight - margin || at.top < size.height + gap;
  return {
    left: Math.max(margin, Math.min(innerWidth - size.width - margin, wanted)),
    top: Math.max(margin, fits ? below : at.top - size.height - gap),
  };
}
