/** @file Answers with operations in them: exact numbers that are no fractions, and expressions with variables. */
import { arithmetic } from "./arithmetic.ts";
import type { GoldKind } from "./generated-gold.ts";

const power: GoldKind = (random) => {
  const base = random.int(2, 9);
  const exponent = random.int(5, 12);
  return {
    gold: `${base}^{${exponent}}`,
    same: {
      latex: {
        expanded: `${base ** exponent}`,
        product: `${base}\\cdot ${base}^{${exponent - 1}}`,
        inverse: `\\frac{1}{${base}^{-${exponent}}}`,
        parentheses: `(${base})^{${exponent}}`,
      },
      plain: { stars: `${base}**${exponent}`, caret: `${base}^${exponent}`, parentheses: `${base}^(${exponent})` },
    },
    other: {
      latex: {
        exponent: `${base}^{${exponent + 1}}`,
        base: `${base + 1}^{${exponent}}`,
        negated: `${base}^{-${exponent}}`,
        "as a product": `${base}\\cdot ${exponent}`,
        "next number": `${base ** exponent + 1}`,
      },
      plain: { exponent: `${base}**${exponent - 1}` },
    },
  };
};

const surd: GoldKind = (random) => {
  const a = random.int(2, 12);
  const b = random.pick([2, 3, 5, 6, 7, 10, 11, 13]);
  return {
    gold: `${a}\\sqrt{${b}}`,
    same: {
      latex: {
        inside: `\\sqrt{${a * a * b}}`,
        swapped: `\\sqrt{${b}} \\cdot ${a}`,
        power: `${a} \\cdot ${b}^{1/2}`,
        "fractional power": `${a} \\cdot ${b}^{\\frac{1}{2}}`,
        rational: `\\frac{${a * b}}{\\sqrt{${b}}}`,
        "fourth root": `${a}\\sqrt[4]{${b * b}}`,
        "plus zero": `${a}\\sqrt{${b}}+0`,
        ...(b < 10 && { "without braces": `${a}\\sqrt${b}` }),
      },
      plain: {
        typed: `${a}*sqrt(${b})`,
        juxtaposed: `${a}sqrt(${b})`,
        unicode: `${a}√${b}`,
        stars: `${a} * ${b}**(1/2)`,
      },
    },
    other: {
      latex: {
        coefficient: `${a + 1}\\sqrt{${b}}`,
        radicand: `${a}\\sqrt{${b + 1}}`,
        "cube root": `${a}\\sqrt[3]{${b}}`,
        negated: `-${a}\\sqrt{${b}}`,
        sum: `${a}+\\sqrt{${b}}`,
        approximation: `${(a * Math.sqrt(b)).toFixed(2)}`,
      },
      plain: { radicand: `${a}*sqrt(${b + 1})` },
    },
  };
};

const surdSum: GoldKind = (random) => {
  const [a, b] = [random.int(1, 9), random.pick([2, 3, 5, 7])];
  const d = random.pick([2, 3, 4, 5].filter((n) => n !== a));
  return {
    gold: `\\frac{${a}+\\sqrt{${b}}}{${d}}`,
    same: {
      latex: {
        swapped: `\\frac{\\sqrt{${b}}+${a}}{${d}}`,
        split: `\\frac{${a}}{${d}}+\\frac{\\sqrt{${b}}}{${d}}`,
        product: `\\frac{1}{${d}}\\left(${a}+\\sqrt{${b}}\\right)`,
        ...(a * a !== b && { conjugate: `\\frac{${a * a - b}}{${d}(${a}-\\sqrt{${b}})}` }),
      },
      plain: { typed: `(${a}+sqrt(${b}))/${d}`, unicode: `(${a} + √${b})/${d}` },
    },
    other: {
      latex: {
        sign: `\\frac{${a}-\\sqrt{${b}}}{${d}}`,
        "only one over d": `${a}+\\frac{\\sqrt{${b}}}{${d}}`,
        denominator: `\\frac{${a}+\\sqrt{${b}}}{${d + 1}}`,
      },
      plain: { "lost parentheses": `${a}+sqrt(${b})/${d}` },
    },
  };
};

const multipleOfPi: GoldKind = (random) => {
  const n = random.pick([3, 5, 7, 9]);
  const d = random.pick([2, 4, 8]);
  return {
    gold: `\\frac{${n}\\pi}{${d}}`,
    same: {
      latex: {
        outside: `\\frac{${n}}{${d}}\\pi`,
        front: `\\pi\\cdot\\frac{${n}}{${d}}`,
        decimal: `${n / d}\\pi`,
        slash: `${n}\\pi/${d}`,
        unit: `\\frac{${n}\\pi}{${d}}\\text{ cm}^2`,
      },
      plain: { typed: `${n}*pi/${d}`, unicode: `${n}π/${d}` },
    },
    other: {
      latex: {
        "without pi": `\\frac{${n}}{${d}}`,
        numerator: `\\frac{${n + 2}\\pi}{${d}}`,
        square: `\\frac{${n}\\pi^2}{${d}}`,
      },
    },
  };
};

const logarithm: GoldKind = (random) => {
  const [a, b] = [random.int(2, 12), random.int(2, 12)];
  return {
    gold: `\\ln ${a * b}`,
    same: {
      latex: {
        parentheses: `\\ln(${a * b})`,
        sum: `\\ln ${a} + \\ln ${b}`,
        inverse: `-\\ln\\frac{1}{${a * b}}`,
        base: `\\log_{e} ${a * b}`,
        half: `\\frac{1}{2}\\ln ${(a * b) ** 2}`,
      },
      plain: { typed: `ln(${a * b})` },
    },
    other: {
      latex: { next: `\\ln ${a * b + 1}`, product: `\\ln ${a} \\cdot \\ln ${b + 20}`, "base 2": `\\log_2 ${a * b}` },
    },
  };
};

const logarithmOfPower: GoldKind = (random) => {
  const [base, k] = [random.pick([2, 3, 5, 10]), random.int(2, 6)];
  return {
    gold: `${k}`,
    same: {
      latex: {
        log: `\\log_{${base}} ${base ** k}`,
        "of a power": `\\log_{${base}}\\left(${base}^{${k}}\\right)`,
        ln: `\\ln e^{${k}}`,
      },
    },
    other: { latex: { next: `\\log_{${base}} ${base ** (k + 1)}`, "other base": `\\log_{${base + 1}} ${base ** k}` } },
  };
};

const trigonometry: GoldKind = (random) =>
  random.pick([
    {
      gold: "\\frac{1}{2}",
      same: {
        latex: {
          sine: "\\sin\\frac{\\pi}{6}",
          degrees: "\\sin 30^\\circ",
          cosine: "\\cos\\left(\\frac{\\pi}{3}\\right)",
        },
      },
      other: { latex: { sine: "\\sin\\frac{\\pi}{3}", degrees: "\\sin 60^\\circ", negated: "\\cos\\frac{2\\pi}{3}" } },
    },
    {
      gold: "\\sqrt{3}",
      same: { latex: { tangent: "\\tan\\frac{\\pi}{3}", degrees: "\\tan 60^\\circ", twice: "2\\cos\\frac{\\pi}{6}" } },
      other: { latex: { tangent: "\\tan\\frac{\\pi}{6}", cotangent: "\\cot\\frac{\\pi}{3}" } },
    },
    {
      gold: "\\sin(2x)",
      same: {
        latex: { doubled: "2\\sin x\\cos x", parentheses: "\\sin\\left(2x\\right)", swapped: "2\\cos(x)\\sin(x)" },
      },
      other: { latex: { lost: "\\sin x\\cos x", cosine: "\\cos(2x)", square: "\\sin^2 x" } },
    },
    {
      gold: "\\sin^2 x",
      same: { latex: { complement: "1-\\cos^2 x", power: "(\\sin x)^2", half: "\\frac{1-\\cos 2x}{2}" } },
      other: { latex: { inside: "\\sin x^2", complement: "1+\\cos^2 x", plain: "\\sin x" } },
    },
  ]);

const counting: GoldKind = (random) => {
  const n = random.int(5, 12);
  const k = random.int(2, 3);
  let choose = 1;
  for (let i = 0; i < k; i++) choose = (choose * (n - i)) / (i + 1);
  const below = k === 2 ? `${n}\\cdot${n - 1}` : `${n}\\cdot${n - 1}\\cdot${n - 2}`;
  return {
    gold: `${choose}`,
    same: {
      latex: {
        binomial: `\\binom{${n}}{${k}}`,
        dbinom: `\\dbinom{${n}}{${k}}`,
        factorials: `\\frac{${n}!}{${k}!\\,${n - k}!}`,
        "falling product": `\\frac{${below}}{${k}!}`,
        complement: `\\binom{${n}}{${n - k}}`,
      },
      plain: { factorials: `${n}!/(${k}!*${n - k}!)` },
    },
    other: {
      latex: { binomial: `\\binom{${n + 1}}{${k}}`, arrangements: below, factorial: `\\frac{${n}!}{${k}!}` },
    },
  };
};

const factorial: GoldKind = (random) => {
  const n = random.int(4, 12);
  let value = 1;
  for (let i = 2; i <= n; i++) value *= i;
  return {
    gold: `${n}!`,
    same: {
      latex: { value: `${value}`, step: `${n}\\cdot ${n - 1}!`, parentheses: `(${n})!` },
      plain: { typed: `${n}!` },
    },
    other: { latex: { next: `${n + 1}!`, lost: `${n}`, value: `${value + 1}` } },
  };
};

const sumOrProduct: GoldKind = (random) => {
  const n = random.int(4, 30);
  return {
    gold: `${(n * (n + 1)) / 2}`,
    same: {
      latex: {
        sum: `\\sum_{k=1}^{${n}} k`,
        limits: `\\sum\\limits_{i=1}^{${n}} i`,
        "from zero": `\\sum_{j=0}^{${n}} j`,
        formula: `\\frac{${n}(${n}+1)}{2}`,
        "of a constant": `\\frac{${n + 1}}{2}\\sum_{k=1}^{${n}} 1`,
        product: `${n * (n + 1)} \\cdot \\prod_{k=1}^{1} \\frac{1}{2}`,
      },
    },
    other: {
      latex: {
        "one more": `\\sum_{k=1}^{${n + 1}} k`,
        squares: `\\sum_{k=1}^{${n}} k^2`,
        "one less": `\\sum_{k=1}^{${n - 1}} k`,
      },
    },
  };
};

const polynomial: GoldKind = (random) => {
  const [a, b] = [random.int(1, 9), random.int(1, 9)];
  const [sum, product] = [a + b, a * b];
  const s = sum === 1 ? "" : `${sum}`;
  return {
    gold: `x^2+${s}x+${product}`,
    same: {
      latex: {
        factored: `(x+${a})(x+${b})`,
        permuted: `${product}+x^2+${s}x`,
        assignment: `f(x) = x^2+${s}x+${product}`,
        braces: `x^{2} + ${s} x + ${product}`,
        "times one": `1\\cdot\\left(x^2+${s}x+${product}\\right)`,
      },
      plain: {
        stars: `x**2 + ${sum}*x + ${product}`,
        caret: `x^2 + ${s}x + ${product}`,
        unicode: `x² + ${s}x + ${product}`,
      },
    },
    other: {
      latex: {
        coefficient: `x^2+${sum + 1}x+${product}`,
        constant: `x^2+${s}x+${product + 1}`,
        sign: `x^2-${s}x+${product}`,
        exponent: `x^3+${s}x+${product}`,
        "other variable": `y^2+${s}y+${product}`,
        lost: `x^2+${s}x`,
      },
      plain: { constant: `x**2 + ${sum}*x - ${product}` },
    },
  };
};

const rationalFunction: GoldKind = (random) => {
  const a = random.int(1, 9);
  return {
    gold: `\\frac{x+${a}}{x-${a}}`,
    same: {
      latex: {
        split: `1+\\frac{${2 * a}}{x-${a}}`,
        signs: `-\\frac{x+${a}}{${a}-x}`,
        slash: `(x+${a})/(x-${a})`,
        expanded: `\\frac{x^2-${a * a}}{(x-${a})^2}`,
      },
      plain: { typed: `(x+${a})/(x-${a})` },
    },
    other: {
      latex: { inverted: `\\frac{x-${a}}{x+${a}}`, sign: `\\frac{x+${a}}{${a}-x}` },
      plain: { "lost parentheses": `x+${a}/x-${a}` },
    },
  };
};

const complex: GoldKind = (random) => {
  const [a, b] = [random.int(1, 12), random.int(2, 12)];
  return {
    gold: `${a}+${b}i`,
    same: {
      latex: {
        swapped: `${b}i+${a}`,
        after: `${a}+i${b}`,
        dot: `${a}+${b}\\cdot i`,
        upright: `${a}+${b}\\mathrm{i}`,
        assignment: `z=${a}+${b}i`,
        square: `${a - 1}-i^2+${b}i`,
      },
      plain: { typed: `${a} + ${b}i`, star: `${a} + ${b}*i` },
    },
    other: {
      latex: {
        conjugate: `${a}-${b}i`,
        real: `${a + 1}+${b}i`,
        swapped: `${a}i+${a === b ? b + 1 : b}`,
        "real part": `${a}`,
      },
      plain: { conjugate: `${a} - ${b}i` },
    },
  };
};

/** Kinds of expressions by name. */
export const EXPRESSIONS: Readonly<Record<string, GoldKind>> = {
  arithmetic,
  power,
  surd,
  "surd sum": surdSum,
  "multiple of pi": multipleOfPi,
  logarithm,
  "logarithm of a power": logarithmOfPower,
  trigonometry,
  counting,
  factorial,
  "sum or product": sumOrProduct,
  polynomial,
  "rational function": rationalFunction,
  complex,
};
