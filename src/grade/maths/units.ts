/** @file Units of which people mix up sizes: where gold and answer both name one of a kind, 5 cm is not 5 m. */

/** Names of units by the kind of quantity, with their sizes. */
const SIZES: readonly Readonly<Record<string, number>>[] = [
  { mm: 1, millimeter: 1, cm: 10, centimeter: 10, dm: 100, m: 1e3, meter: 1e3, km: 1e6, kilometer: 1e6 },
  { in: 1, inch: 1, inche: 1, ft: 12, foot: 12, feet: 12, yd: 36, yard: 36, mi: 63_360, mile: 63_360 },
  { mg: 1, milligram: 1, g: 1e3, gram: 1e3, kg: 1e6, kilogram: 1e6, tonne: 1e9 },
  { s: 1, sec: 1, second: 1, min: 60, minute: 60, h: 3_600, hr: 3_600, hour: 3_600, day: 86_400, week: 604_800 },
  { month: 1, year: 12 },
  { cent: 1, dollar: 100 },
];
const DRESS = /\\(?:text[a-z]*|mathrm|mbox|operatorname|left|right|boxed)(?![a-zA-Z])|\\[,;:! ()[\]]|[{}~$*]/gu;
const UNIT_AT_END = /(?:\d|\)|\\pi)\s*(?:square\s+|cubic\s+)?([a-zA-Z]{1,11})\.?\s*(?:\^?\s*[23]|[²³])?\s*\.?\s*$/u;
const MONEY_BEFORE = /\\\$\s*[\d.,]+\s*\$?\s*$|^\s*\$[\d.,]+\s*$/u;
/** Text before this is no unit. */
const MAX_TAIL = 80;

/** A kind of quantity and a size in it. */
export interface NamedUnit {
  readonly kind: number;
  readonly size: number;
}

/** The unit that an answer's text ends with, if sizes of its kind are known; else null. */
export function unitOf(text: string): NamedUnit | null {
  const tail = text.slice(-MAX_TAIL);
  if (MONEY_BEFORE.test(tail)) return { kind: SIZES.length - 1, size: 100 };
  const name = UNIT_AT_END.exec(tail.replace(DRESS, " "))?.[1] ?? "";
  const [exact, plain] = [name, name.toLowerCase().replace("metre", "meter").replace(/s$/u, "")];
  for (const [kind, sizes] of SIZES.entries()) {
    const known = [exact, ...(plain.length > 1 ? [plain] : [])].find((one) => Object.hasOwn(sizes, one));
    const size = known === undefined ? undefined : sizes[known];
    if (size !== undefined) return { kind, size };
  }
  return null;
}

/** Whether both name a unit of the same kind, but of another size. */
export function areUnitsApart(a: NamedUnit | null, b: NamedUnit | null): boolean {
  return a !== null && b !== null && a.kind === b.kind && a.size !== b.size;
}
