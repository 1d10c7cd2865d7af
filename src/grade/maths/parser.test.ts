import { describe, expect, it } from "vitest";
import { formText } from "./form-text.ts";
import { normaliseAnswer } from "./normalise.ts";
import { parseMaths } from "./parser.ts";
import type { CommaReading } from "./tokens.ts";

const form = (text: string, comma: CommaReading = "thousands"): string => {
  const parsed = parseMaths(normaliseAnswer(text), comma);
  return parsed.status === "ok" ? formText(parsed.tree) : `${parsed.status}: ${parsed.reason}`;
};

describe("parseMaths", () => {
  it.each([
    // numbers as people group them
    ["1,234.5", "2469/2"],
    ["1\\,234", "1234"],
    ["1{,}234", "1234"],
    ["1 234 567", "1234567"],
    ["0.\\overline{3}", "1/3"],
    ["0.1\\overline{6}", "1/6"],
    [".5", "1/2"],
    ["1.5e3", "1500"],
    ["2½", "sum(2,quotient(1,2))"],
    // mixed numbers are of whole numbers and proper fractions; a bracket multiplies
    ["3\\frac12", "sum(3,quotient(1,2))"],
    ["3 1/2", "sum(3,quotient(1,2))"],
    ["-3\\frac12", "product(-1,sum(3,quotient(1,2)))"],
    ["2(5)", "product(2,5)"],
    ["2\\frac{a}{b}", "product(2,quotient(a,b))"],
    // fractions, roots and powers in every spelling
    ["\\dfrac ab", "quotient(a,b)"],
    ["\\frac12", "quotient(1,2)"],
    ["{1 \\over 2}", "quotient(1,2)"],
    ["\\sqrt3", "power(3,quotient(1,2))"],
    ["sqrt(2)", "power(2,quotient(1,2))"],
    ["\\sqrt[3]{x}", "power(x,quotient(1,3))"],
    ["2**(1/4)", "power(2,quotient(1,4))"],
    ["x²", "power(x,2)"],
    ["2^{3^2}", "power(2,power(3,2))"],
    ["-x^2", "product(-1,power(x,2))"],
    // functions
    ["\\sin 2x\\cos x", "product(cos(x),sin(product(2,x)))"],
    ["\\sin^2 x", "power(sin(x),2)"],
    ["\\sin^{-1} x", "arcsin(x)"],
    ["\\log_2 8", "log(8,2)"],
    ["f(x)", "f(x)"],
    ["x(x+1)", "product(sum(1,x),x)"],
    ["|x-1|", "abs(sum(-1,x))"],
    ["5!", "factorial(5)"],
    ["{5 \\choose 2}", "binomial(5,2)"],
    // names
    ["x_{1}", "x_1"],
    ["\\vec{v}", "vec(v)"],
    // sets, points, intervals
    ["1, 2 or 3", "set(1,2,3)"],
    ["\\{2, 1\\}", "set(1,2)"],
    ["\\{\\}", "set:empty"],
    ["[0,1)", "[0,1)"],
    ["]0,1[", "]0,1["],
    ["(-inf, 2) U [3, inf)", "union((product(-1,infinity()),2),[3,infinity()))"],
    ["\\mathbb{R} \\setminus \\{0\\}", "difference(set:reals,set(0))"],
    ["3:4:5", ":3,4,5:"],
    // relations
    ["1 < x \\le 2", "<,<=(1,x,2)"],
    ["x \\neq 3", "!=(x,3)"],
    ["\\begin{aligned}x&=1\\\\y&=2\\end{aligned}", "set(=(x,1),=(y,2))"],
    ["x \\equiv 3 \\pmod 7", "congruent(x,residue(mod(3,7),7))"],
    // matrices
    ["\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "matrix[1,2][3,4]"],
    ["\\begin{bmatrix}1\\\\[4pt]2\\end{bmatrix}", "matrix[1][2]"],
    // what stands behind a value
    ["28\\%", "percent(28)"],
    ["28 percent", "percent(28)"],
    ["90^\\circ", "degrees(90)"],
    ["12\\text{ cm}^2", "12"],
    ["60\\frac{\\text{km}}{\\text{h}}", "60"],
    ["3 million", "product(1000000,3)"],
    ["5^{\\text{th}}", "5"],
    ["11011_2", "11011_2"],
    ["5:30 p.m.", "time(1050,pm)"],
    // signs
    ["1 \\pm \\sqrt2", "pm1(1,power(2,quotient(1,2)))"],
    ["--3", "3"],
    ["6.7 x 10^3", "product(67/10,power(10,3))"],
  ])("reads %s", (text, expected) => expect(form(text)).toBe(expected));

  it("reads a comma between digits as it is told to", () => {
    expect(form("1,234", "items")).toBe("set(1,234)");
    expect(form("2,74", "decimal")).toBe("137/50");
  });

  it.each(["", "x +", "\\frac{1}{", "(1, 2", "3 4", "\\sqrt", "we find that 3", "\u0000"])("fails on %j", (text) =>
    expect(form(text)).toMatch(/^failed: /),
  );

  it.each([
    ["digits", "1".repeat(257)],
    ["nesting", `${"(".repeat(70)}1${")".repeat(70)}`],
    ["parts", Array.from({ length: 600 }, () => "x").join("+")],
    ["powers of ten", "1e99999"],
  ])("says that %s are too many", (_, text) => expect(form(text)).toMatch(/^limit: /));
});
