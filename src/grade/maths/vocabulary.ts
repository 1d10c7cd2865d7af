/** @file The words of answers: functions, connectives, units, and the LaTeX commands that mean something. */
import type { NamedSet, RelationOperator } from "./tree.ts";

/** Functions by every name they go by, to the one name used in trees. */
export const FUNCTIONS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    sin: "sin",
    cos: "cos",
    tan: "tan",
    tg: "tan",
    cot: "cot",
    ctg: "cot",
    sec: "sec",
    csc: "csc",
    cosec: "csc",
    arcsin: "arcsin",
    asin: "arcsin",
    arccos: "arccos",
    acos: "arccos",
    arctan: "arctan",
    atan: "arctan",
    arctg: "arctan",
    arccot: "arccot",
    sinh: "sinh",
    cosh: "cosh",
    tanh: "tanh",
    log: "log",
    ln: "ln",
    lg: "lg",
    exp: "exp",
    sqrt: "sqrt",
    cbrt: "cbrt",
    gcd: "gcd",
    lcm: "lcm",
    max: "max",
    min: "min",
    abs: "abs",
    floor: "floor",
    ceil: "ceil",
    det: "det",
    binomial: "binomial",
    factorial: "factorial",
    arg: "arg",
    Re: "re",
    Im: "im",
    sgn: "sign",
    sign: "sign",
    mod: "mod",
  }),
);

/** Functions that LaTeX writes without brackets: `\sin x`. */
export const BARE_ARGUMENT: ReadonlySet<string> = new Set(
  "sin cos tan cot sec csc arcsin arccos arctan arccot sinh cosh tanh log ln lg exp det arg re im sign max min".split(
    " ",
  ),
);

/** Inverse functions, for `\sin^{-1} x`. */
export const INVERSES: ReadonlyMap<string, string> = new Map([
  ["sin", "arcsin"],
  ["cos", "arccos"],
  ["tan", "arctan"],
  ["cot", "arccot"],
]);

/** Letters that are read as functions where a bracket follows: `f(x)`; other letters multiply it. */
export const FUNCTION_LETTERS: ReadonlySet<string> = new Set(["f", "g", "h", "F", "G", "H", "P", "Q"]);

/** Relations by command and sign. */
export const RELATIONS: ReadonlyMap<string, RelationOperator> = new Map<string, RelationOperator>([
  ["=", "="],
  ["==", "="],
  [":=", "="],
  ["\\equiv", "congruent"],
  ["\\cong", "approximate"],
  ["\\sim", "approximate"],
  ["<", "<"],
  ["\\lt", "<"],
  [">", ">"],
  ["\\gt", ">"],
  ["<=", "<="],
  ["=<", "<="],
  ["\\le", "<="],
  ["\\leq", "<="],
  ["\\leqslant", "<="],
  ["\\leqq", "<="],
  [">=", ">="],
  ["\\ge", ">="],
  ["\\geq", ">="],
  ["\\geqslant", ">="],
  ["\\geqq", ">="],
  ["!=", "!="],
  ["\\ne", "!="],
  ["\\neq", "!="],
  ["\\approx", "approximate"],
  ["\\approxeq", "approximate"],
  ["\\simeq", "approximate"],
  ["\\doteq", "approximate"],
  ["\\in", "in"],
  ["\\isin", "in"],
]);

/** Sets that have a letter. */
export const NAMED_SETS: ReadonlyMap<string, NamedSet> = new Map<string, NamedSet>([
  ["R", "reals"],
  ["Z", "integers"],
  ["N", "naturals"],
  ["Q", "rationals"],
  ["C", "complexes"],
  ["\\emptyset", "empty"],
  ["\\varnothing", "empty"],
  ["\\reals", "reals"],
  ["\\R", "reals"],
  ["\\Z", "integers"],
  ["\\N", "naturals"],
  ["\\Q", "rationals"],
]);

/** Words that multiply what stands before them. */
export const SCALES: ReadonlyMap<string, bigint> = new Map([
  ["hundred", 100n],
  ["thousand", 1_000n],
  ["million", 1_000_000n],
  ["millions", 1_000_000n],
  ["billion", 1_000_000_000n],
  ["billions", 1_000_000_000n],
  ["trillion", 1_000_000_000_000n],
]);

/** Words for a percent sign. */
export const PERCENT_WORDS: ReadonlySet<string> = new Set(["percent", "percents", "percentage", "pct"]);
/** Words for a degree sign. */
export const DEGREE_WORDS: ReadonlySet<string> = new Set(["degree", "degrees", "deg"]);
/** Words between answers. */
export const CONNECTIVES: ReadonlySet<string> = new Set(["and", "or", "und", "oder", "et", "ou", "y"]);
/** Words that say nothing of the value. */
export const FILLERS: ReadonlySet<string> = new Set(
  "approximately about around exactly roughly approx is are equals equal the a an only just or/and either both answer final result probably maybe perhaps presumably usd eur gbp inr rs us".split(
    " ",
  ),
);

/** Numbers as words. */
export const NUMBER_WORDS: ReadonlyMap<string, number> = new Map(
  (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen " +
    "seventeen eighteen nineteen twenty"
  )
    .split(" ")
    .map((word, value) => [word, value]),
);

/** Units of two and more letters that are written straight behind a number; longer words behind one are units anyway. */
export const UNITS: ReadonlySet<string> = new Set(
  (
    "mm cm dm km nm mi ft yd lb lbs oz kg mg hr hrs min mins sec secs ms mph kmh kph ml kl cl Hz kHz MHz kW kWh Pa kPa " +
    "kJ MJ eV mol rad deg sq cu in cc cents cent USD EUR usd eur hp pm am gal qt pt pts px dB bpm rpm ha"
  ).split(" "),
);

/** Letters that may be units behind a number, looked at only when the number is otherwise right. */
export const UNIT_LETTERS: ReadonlySet<string> = new Set("m s g h l L N J W V A K C F".split(" "));

/** Short words that are no products of their letters. */
export const SHORT_WORDS: ReadonlySet<string> = new Set(
  (
    "yes no none on odd even red all any not one two six ten mon tue wed thu fri sat sun are for of to we so has can per if " +
    "by at it as be my this that with was let get got our its new old man men his her she he you your off out now see say"
  ).split(" "),
);

/** Commands that only dress what follows, and vanish. */
export const IGNORED_COMMANDS: ReadonlySet<string> = new Set(
  (
    "left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr middle displaystyle textstyle scriptstyle " +
    "limits nolimits mathstrut strut angle measuredangle triangle nonumber notag hfill hline quad qquad enspace thinspace " +
    "blacksquare square qed Box checkmark rm bf it sf tt cal boldmath centering smallskip medskip"
  ).split(" "),
);

/** Commands whose braces are taken off. */
export const WRAPPERS: ReadonlySet<string> = new Set(
  (
    "boxed fbox underline mathit mathbf mathsf mathtt mathcal mathscr mathfrak boldsymbol bm displaylines ensuremath " +
    "cancel bcancel smash phantomx mathop mathbin mathrel mathord"
  ).split(" "),
);

/** Commands that make a name of what they stand over: a vector, a line, a mean. */
export const DECORATORS: ReadonlySet<string> = new Set(
  "vec overrightarrow overleftarrow hat widehat tilde widetilde bar overline dot ddot overarc wideparen".split(" "),
);

/** Commands whose braces hold words. */
export const TEXT_COMMANDS: ReadonlySet<string> = new Set(
  "text textbf textit textrm textsf texttt textnormal textup textsc mbox hbox mathrm operatorname emph textmd".split(
    " ",
  ),
);

/** Commands that vanish with their braces. */
export const DROPPED_COMMANDS: ReadonlySet<string> = new Set(
  "phantom hphantom vphantom hspace vspace label tag color kern mspace hskip".split(" "),
);

/** Answers in words that say the same. */
export const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ["no solution", "none"],
  ["no solutions", "none"],
  ["no real solution", "none"],
  ["no real solutions", "none"],
  ["no such number", "none"],
  ["does not exist", "undefined"],
  ["dne", "undefined"],
  ["not defined", "undefined"],
  ["undefined", "undefined"],
  ["true", "true"],
  ["all real numbers", "reals"],
  ["all integers", "integers"],
  ["all reals", "reals"],
  ["all real", "reals"],
  ["set of all real numbers", "reals"],
  ["set of real numbers", "reals"],
  ["real numbers", "reals"],
  ["empty set", "none"],
]);
