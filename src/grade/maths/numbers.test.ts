import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addComplex,
  agreeComplex,
  argument,
  divideComplex,
  exponentialComplex,
  fromReal,
  I,
  logarithmComplex,
  multiplyComplex,
  negateComplex,
  powerComplex,
  sineAndCosineComplex,
  squareRootComplex,
  type Complex,
} from "./complex.ts";
import {
  add,
  compare,
  decimal,
  divide,
  equals,
  exactRoot,
  multiply,
  power,
  type Rational,
  rational,
  rationalText,
  roundTo,
  subtract,
  whole,
} from "./rational.ts";
import {
  agree,
  arcTangent,
  difference,
  exponential,
  fromNumber,
  fromRational,
  logarithm,
  ONE,
  PI,
  product,
  quotient,
  type Real,
  realText,
  sineAndCosine,
  squareRoot,
  sum,
  toNumber,
  ZERO,
} from "./real.ts";

const must = <T>(value: T | null): T => {
  if (value === null) throw new Error("no value");
  return value;
};
const real = (text: string): Real => must(fromRational(must(decimal(text))));
const DIGITS = 60;

describe("rationals", () => {
  const some = fc
    .tuple(fc.bigInt(-1_000_000n, 1_000_000n), fc.bigInt(1n, 1_000_000n))
    .map(([numerator, denominator]) => must(rational(numerator, denominator)));

  it("are a field", () => {
    fc.assert(
      fc.property(some, some, some, (a, b, c) => {
        expect(add(a, b)).toEqual(add(b, a));
        expect(multiply(a, add(b, c))).toEqual(add(multiply(a, b), multiply(a, c)));
        expect(add(subtract(a, b), b)).toEqual(a);
        const back = divide(a, b);
        if (back !== null) expect(multiply(back, b)).toEqual(a);
        expect(compare(a, b)).toBe(Math.sign(Number(a.numerator * b.denominator - b.numerator * a.denominator)));
      }),
    );
  });

  it.each([
    ["-12.50", "-25/2"],
    ["007", "7"],
    [".5", "1/2"],
    ["3.", "3"],
    ["-0", "0"],
  ])("%s is %s", (text, expected) => expect(rationalText(must(decimal(text)))).toBe(expected));
  it.each(["", "-", ".", "1e3", "1,000", "0x1", "1.2.3"])("%j is no decimal", (text) =>
    expect(decimal(text)).toBeNull(),
  );

  it("have exact powers and roots, and none that would not fit", () => {
    const third = must(rational(1n, 3n));
    expect(power(third, -4n)).toEqual(whole(81));
    expect(power(whole(0), 0n)).toBeNull();
    expect(power(whole(9), 10n ** 30n)).toBeNull();
    expect(power(whole(-1), 10n ** 30n + 1n)).toEqual(whole(-1));
    expect(exactRoot(must(rational(-8n, 27n)), 3n)).toEqual(rational(-2n, 3n));
    expect(exactRoot(whole(2), 2n)).toBeNull();
    expect(exactRoot(whole(-4), 2n)).toBeNull();
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 40n), fc.bigInt(1n, 7n), (value, degree) => {
        expect(exactRoot(whole(value ** degree), degree)).toEqual(whole(value));
        if (value > 1n && degree > 1n) expect(exactRoot(whole(value ** degree + 1n), degree)).toBeNull();
      }),
    );
  });

  it("round half away from zero", () => {
    const cases: [string, number, string][] = [
      ["2.675", 2, "67/25"],
      ["-2.675", 2, "-67/25"],
      ["0.4999", 0, "0"],
      ["0.5", 0, "1"],
      ["-0.5", 0, "-1"],
    ];
    for (const [text, places, expected] of cases)
      expect(rationalText(roundTo(must(decimal(text)), places))).toBe(expected);
  });

  it("are zero over nothing at all", () => expect(rational(1n, 0n)).toBeNull());
});

describe("reals", () => {
  // Published digits (OEIS A000796, A001113, A002162, A002193, A060295), not made by this code.
  it.each<[string, () => Real | null, string]>([
    ["pi", () => PI, "3.14159265358979323846264338327950288419716939937510582097494"],
    ["e", () => exponential(ONE), "2.71828182845904523536028747135266249775724709369995957496697"],
    ["ln 2", () => logarithm(real("2")), "0.693147180559945309417232121458176568075500134360255254120680"],
    ["sqrt 2", () => squareRoot(real("2")), "1.41421356237309504880168872420969807856967187537694807317668"],
    [
      "e^(pi sqrt 163)",
      () => exponential(must(product(PI, must(squareRoot(real("163")))))),
      "262537412640768743.999999999999250072597198185688879353856337",
    ],
  ])("%s to 57 digits", (_, value, digits) => expect(agree(must(value()), real(digits), 57)).toBe(true));

  it("tell e^(pi sqrt 163) from the whole number beside it, and 1/2^99 from 1/2^98", () => {
    const near = must(exponential(must(product(PI, must(squareRoot(real("163")))))));
    expect(agree(near, real("262537412640768744"), 28)).toBe(true);
    expect(agree(near, real("262537412640768744"), 50)).toBe(false);
    expect(agree({ mantissa: 1n, exponent: -99 }, { mantissa: 1n, exponent: -98 }, 1)).toBe(false);
  });

  const some = fc.double({ min: -1e6, max: 1e6, noNaN: true }).filter((value) => value === 0 || Math.abs(value) > 1e-6);
  const positive = fc.double({ min: 1e-9, max: 1e9, noNaN: true });

  it("agree with doubles to a double's digits", () => {
    fc.assert(
      fc.property(some, some, (x, y) => {
        const [a, b] = [must(fromNumber(x)), must(fromNumber(y))];
        expect(toNumber(a)).toBe(x === 0 ? 0 : x);
        expect(toNumber(must(sum(a, b)))).toBeCloseTo(x + y, 6);
        expect(toNumber(must(product(a, b))) / (x * y || 1)).toBeCloseTo(x * y === 0 ? 0 : 1, 12);
        if (y !== 0) expect(toNumber(must(quotient(a, b))) * y).toBeCloseTo(x, 5);
        const turn = must(sineAndCosine(a));
        expect(toNumber(turn.sine)).toBeCloseTo(Math.sin(x), 9);
        expect(toNumber(turn.cosine)).toBeCloseTo(Math.cos(x), 9);
        expect(toNumber(arcTangent(a))).toBeCloseTo(Math.atan(x), 12);
      }),
    );
  });

  it("keep their identities to 60 digits", () => {
    fc.assert(
      fc.property(positive, (x) => {
        const a = must(fromNumber(x));
        const root = must(squareRoot(a));
        expect(agree(must(product(root, root)), a, DIGITS)).toBe(true);
        expect(agree(must(exponential(must(logarithm(a)))), a, DIGITS)).toBe(true);
        const { sine, cosine } = must(sineAndCosine(a));
        const one = must(sum(must(product(sine, sine)), must(product(cosine, cosine))));
        expect(agree(one, ONE, DIGITS)).toBe(true);
        const turned = must(sineAndCosine(arcTangent(a)));
        expect(agree(must(quotient(turned.sine, turned.cosine)), a, 55)).toBe(true);
      }),
    );
  });

  it("are 0 where they must be", () => {
    expect(must(sineAndCosine(PI)).sine).toEqual(ZERO);
    expect(must(sineAndCosine(must(quotient(PI, real("2"))))).cosine).toEqual(ZERO);
    expect(difference(PI, PI)).toEqual(ZERO);
    expect(logarithm(ONE)).toEqual(ZERO);
  });

  it("have none where there is none, and none too large", () => {
    expect(squareRoot(real("-1"))).toBeNull();
    expect(logarithm(ZERO)).toBeNull();
    expect(quotient(ONE, ZERO)).toBeNull();
    expect(exponential(real("1000000000"))).toBeNull();
    expect(exponential(real("-100000000000"))).toEqual(ZERO);
    expect(sineAndCosine(real("100000000000000"))).toBeNull();
    expect(fromNumber(Number.NaN)).toBeNull();
  });

  it.each([
    ["0.00012345", 5, "1.2345e-4"],
    ["-99999.6", 5, "-1e5"],
    ["1000", 8, "1e3"],
    ["0", 4, "0"],
    ["7", 1, "7e0"],
  ])("%s to %d digits is written %s", (text, digits, expected) => expect(realText(real(text), digits)).toBe(expected));
});

describe("complex numbers", () => {
  const part = fc.double({ min: -50, max: 50, noNaN: true }).filter((value) => value === 0 || Math.abs(value) > 1e-3);
  const some = fc
    .tuple(part, part)
    .map(([re, im]): Complex => ({ re: must(fromNumber(re)), im: must(fromNumber(im)) }))
    .filter(({ re, im }) => re.mantissa !== 0n || im.mantissa !== 0n);

  it("keep their identities", () => {
    fc.assert(
      fc.property(some, some, (a, b) => {
        const same = (x: Complex | null, y: Complex | null) => expect(agreeComplex(must(x), must(y), 55)).toBe(true);
        same(multiplyComplex(must(divideComplex(a, b)), b), a);
        same(exponentialComplex(must(logarithmComplex(a))), a);
        const root = must(squareRootComplex(a));
        same(multiplyComplex(root, root), a);
        same(powerComplex(a, fromReal(real("0.5"))), root);
        const { sine, cosine } = must(sineAndCosineComplex(a));
        const squares = addComplex(must(multiplyComplex(sine, sine)), must(multiplyComplex(cosine, cosine)));
        // Two squares of e^(2 |im|) cancel down to 1: fewer digits are left the farther out.
        const lost = Math.ceil((2 * Math.abs(toNumber(a.im))) / Math.LN10);
        if (lost < 40) expect(agreeComplex(must(squares), fromReal(ONE), 55 - lost)).toBe(true);
      }),
    );
  });

  it("take principal branches", () => {
    const minusOne = fromReal(real("-1"));
    expect(agreeComplex(must(squareRootComplex(minusOne)), I, 60)).toBe(true);
    expect(argument(minusOne)).toEqual(PI);
    expect(agreeComplex(must(exponentialComplex({ re: ZERO, im: PI })), minusOne, 60)).toBe(true);
    expect(
      agreeComplex(must(powerComplex(I, I)), fromReal(must(exponential(must(quotient(PI, real("-2")))))), 60),
    ).toBe(true);
    expect(powerComplex(fromReal(ZERO), negateComplex(fromReal(ONE)))).toBeNull();
  });
});

/** Equality by value is equality of records. */
it("rationals have one record a value", () => {
  const halves: Rational[] = [must(rational(2n, 4n)), must(rational(-1n, -2n)), must(decimal("0.50"))];
  for (const half of halves) expect(equals(half, must(rational(1n, 2n)))).toBe(true);
});
