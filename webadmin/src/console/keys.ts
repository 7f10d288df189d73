/** Keys as X numbers them, and texts as keys. */
export interface Key {
  keysym: number;
  code: string | null;
}
export const CTRL: Key = { keysym: 0xffe3, code: "ControlLeft" };
export const ALT: Key = { keysym: 0xffe9, code: "AltLeft" };
export const SHIFT: Key = { keysym: 0xffe1, code: "ShiftLeft" };
export const DELETE: Key = { keysym: 0xffff, code: "Delete" };
export const TAB: Key = { keysym: 0xff09, code: "Tab" };
export const PRINT: Key = { keysym: 0xff61, code: "PrintScreen" };
export const functionKey = (number: number): Key => ({ keysym: 0xffbd + number, code: `F${number}` });

const SHIFTED = new Set('~!@#$%^&*()_+{}|:"<>?ABCDEFGHIJKLMNOPQRSTUVWXYZ');
const NAMED: Record<string, number> = { "\n": 0xff0d, "\t": 0xff09 };

/** The keysym of a character. */
export function keysymOf(character: string): number {
  const point = character.codePointAt(0) ?? 0;
  return NAMED[character] ?? (point >= 0x20 && point <= 0xff ? point : 0x01000000 | point);
}

/** The strokes that type a text on an American keyboard; each list is held down together. */
export function strokesOf(text: string): Key[][] {
  return [...text.replace(/\r\n?/g, "\n")].map((character) => {
    const key: Key = { keysym: keysymOf(character), code: null };
    return SHIFTED.has(character) ? [SHIFT, key] : [key];
  });
}
