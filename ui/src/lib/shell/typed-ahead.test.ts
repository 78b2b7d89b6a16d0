import { describe, expect, it, vi } from "vitest";
import { TypedAhead } from "./typed-ahead.ts";

function keyboard() {
  const target = new EventTarget();
  const type = (key: string, more: object = {}) => {
    const event = new Event("keydown", { cancelable: true });
    Object.assign(event, { key, ctrlKey: false, metaKey: false, altKey: false, isComposing: false, ...more });
    target.dispatchEvent(event);
    return event.defaultPrevented;
  };
  return { target, type };
}

describe("keys typed before there is a field", () => {
  it("are kept in their order, corrected, and handed over once", () => {
    const { target, type } = keyboard();
    const ahead = new TypedAhead();
    ahead.start(target, () => undefined);
    expect([..."dixsk"].map((key) => type(key))).toEqual([true, true, true, true, true]);
    for (const key of ["Backspace", "Backspace", "Backspace", "s", "k", " ", "é"]) type(key);
    expect(ahead.take()).toBe("disk é");
    expect(type("x"), "afterwards keys are nobody's").toBe(false);
    expect(ahead.take()).toBe("");
  });

  it("leave combinations and keys without a character to others", () => {
    const { target, type } = keyboard();
    const ahead = new TypedAhead();
    ahead.start(target, () => undefined);
    expect(type("k", { ctrlKey: true })).toBe(false);
    expect(type("Tab")).toBe(false);
    expect(type("Enter")).toBe(false);
    expect(type("a", { isComposing: true })).toBe(false);
    expect(ahead.take()).toBe("");
  });

  it("are given up with Escape", () => {
    const { target, type } = keyboard();
    const ahead = new TypedAhead();
    const onEscape = vi.fn();
    ahead.start(target, onEscape);
    type("a");
    type("Escape");
    expect(onEscape).toHaveBeenCalledOnce();
    expect(type("b")).toBe(false);
    expect(ahead.take()).toBe("");
  });
});
