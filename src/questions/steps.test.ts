import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { carefulLine, parseItem, parseLine, quickLine, type Step } from "./steps.ts";

function step(item: string): Step {
  const parsed = parseItem(item);
  if (parsed === null) throw new Error(item);
  return parsed;
}

const operations = fc.constantFrom("+", "-", "*");
/** Any item with a left operand on which it stays in 0..999. */
const placed = fc
  .record({
    operation: operations,
    key: fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h"),
    x: fc.integer({ min: 1, max: 999 }),
    y: fc.nat(999),
    form: fc.nat(2),
  })
  .map(({ operation, key, x, y, form }) => {
    const operand = operation === "*" ? 2 + (x % 8) : x;
    const left =
      operation === "*"
        ? y % (Math.floor(999 / operand) + 1)
        : operation === "+"
          ? y % (1000 - operand)
          : operand + (y % (1000 - operand));
    const item =
      form === 0 ? `${key}${operation}${operand}` : `${key}:${form === 2 ? "if(n%2)" : ""}n${operation}=${operand}`;
    return { item, left, operation, operand };
  });

describe("lines", () => {
  it.each([
    // item, left, quick, careful
    ["a+36", 62, "a+36 62+36=98", "a+36 62+36:2+6+0=08,6+3+0=09,0+0+0=00>98"],
    ["c*5", 125, "c*5 125*5=625", "c*5 125*5:5*5+0=25,2*5+2=12,1*5+1=06>625"],
    ["d-88", 625, "d-88 625-88=537", "d-88 625-88:5-8-0=17,2-8-1=13,6-0-1=05>537"], // two borrows
    ["a:n+=36", 62, "a:n+=36 62+36=98", "a:n+=36 62+36:2+6+0=08,6+3+0=09,0+0+0=00>98"],
    ["c:if(n%2)n-=7", 625, "c:if(n%2)n-=7 625-7=618", "c:if(n%2)n-=7 625%2=1,625-7:5-7-0=18,2-0-1=01,6-0-0=06>618"],
    ["c:if(n%2)n-=7", 624, "c:if(n%2)n-=7 624=624", "c:if(n%2)n-=7 624%2=0>624"], // even: skipped
    ["a-100", 100, "a-100 100-100=0", "a-100 100-100:0-0-0=00,0-0-0=00,1-1-0=00>0"],
    ["b-1", 100, "b-1 100-1=99", "b-1 100-1:0-1-0=19,0-0-1=19,1-0-1=00>99"], // borrow through a zero
  ])("%s on %i", (item, left, quick, careful) => {
    expect(quickLine(step(item), left)).toBe(quick);
    expect(carefulLine(step(item), left)).toBe(careful);
    expect(parseLine(quick)).toMatchObject({ left, style: "quick", isRight: true });
    expect(parseLine(careful)).toMatchObject({ left, style: "careful", isRight: true });
  });

  it("careful columns are right each on its own, hand their carry on, and spell the result", () => {
    fc.assert(
      fc.property(placed, ({ item, left, operation, operand }) => {
        const line = carefulLine(step(item), left);
        const columns = [...line.matchAll(/(\d)([-+*])(\d)([-+])(\d)=(\d)(\d)/g)];
        if (item.includes("if") && left % 2 === 0) {
          expect(line).toBe(`${item} ${left}%2=0>${left}`);
          return;
        }
        expect(columns).toHaveLength(3);
        let carry = 0;
        let spelled = 0;
        for (const [i, column] of columns.entries()) {
          const [, a, sign, b, , carryIn, carryOut, digit] = column.map(Number);
          expect(Number.isNaN(sign)).toBe(true);
          expect(carryIn).toBe(carry);
          const value =
            operation === "+"
              ? Number(a) + Number(b) + carry
              : operation === "-"
                ? Number(a) - Number(b) - carry
                : Number(a) * Number(b) + carry;
          expect(
            operation === "-" ? Number(digit) - 10 * Number(carryOut) : Number(digit) + 10 * Number(carryOut),
          ).toBe(value);
          carry = Number(carryOut);
          spelled += Number(digit) * 10 ** i;
        }
        const truth = operation === "+" ? left + operand : operation === "-" ? left - operand : left * operand;
        expect(carry).toBe(0);
        expect(spelled).toBe(truth);
        expect(line.endsWith(`>${truth}`)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it("are read back, and any changed digit is noticed", () => {
    fc.assert(
      fc.property(
        placed,
        fc.boolean(),
        fc.nat(200),
        fc.integer({ min: 0, max: 9 }),
        ({ item, left }, isQuick, place, digit) => {
          const line = isQuick ? quickLine(step(item), left) : carefulLine(step(item), left);
          expect(parseLine(line)).toMatchObject({ left, isRight: true, style: isQuick ? "quick" : "careful" });
          const digits = [...line.matchAll(/\d/g)].map((match) => match.index).filter((at) => at > line.indexOf(" "));
          const at = digits[place % digits.length] ?? 0;
          const mutated = `${line.slice(0, at)}${digit}${line.slice(at + 1)}`;
          if (mutated !== line) expect(parseLine(mutated)?.isRight ?? false).toBe(false);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("of other kinds are not lines", () => {
    for (const text of [
      "",
      "Wait",
      "a+36",
      "a+36 ",
      "a+36 62+3",
      "a+36 62+36=098",
      "z+3 1+3=4",
      "a+36 62+36:2+6",
      "x".repeat(1e5),
    ]) {
      expect(parseLine(text)).toBeNull();
    }
  });
});
