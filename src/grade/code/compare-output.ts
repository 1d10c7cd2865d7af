/** @file Whether a program printed what it should: LiveCodeBench's rule, stripped lines as text, else as decimal numbers. */

/** Numbers compared as decimals are longer than this only by malice. */
const MAX_DIGITS = 10_000;

/** The first line that differs, counted from 1, or undefined where the output is right. Line 0: the number of lines differs. */
export function differingLine(output: string, expected: string): number | undefined {
  const got = strippedLines(output);
  const want = strippedLines(expected);
  if (got.length !== want.length) return 0;
  const at = got.findIndex((line, index) => !isSameLine(line, want[index] as string));
  return at < 0 ? undefined : at + 1;
}

function strippedLines(text: string): string[] {
  return text
    .trim()
    .split("\n")
    .map((line) => line.trim());
}

function isSameLine(got: string, want: string): boolean {
  if (got === want) return true;
  const numbers = got.split(/\s+/);
  const wanted = want.split(/\s+/);
  if (numbers.length !== wanted.length) return false;
  return numbers.every((text, index) => {
    const value = decimalKey(text);
    return value !== undefined && value === decimalKey(wanted[index] as string);
  });
}

/** One text for each value of a decimal: sign, digits without zeros at either end, exponent. Exact, unlike a double. */
function decimalKey(text: string): string | undefined {
  if (text.length > MAX_DIGITS) return undefined;
  const parts = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$/.exec(text);
  if (parts === null) return undefined;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = parts;
  if (whole === "" && fraction === "") return undefined;
  const digits = (whole + fraction).replace(/^0+/, "");
  if (digits === "") return "0";
  const significant = digits.replace(/0+$/, "");
  const scale = Number(exponent) - fraction.length + digits.length - significant.length;
  return `${sign === "-" ? "-" : ""}${significant}e${scale}`;
}
