/**
 * @file Whether a text is plainly not English, by two rules that a reader can check: its script, and a few dozen common words.
 *
 * What it cannot do: tell a short text (fewer than 12 words), a Latin-script language that is not listed, names and quotations
 * from the language around them, or a text that changes its language after the first 300 words. It never says that a text is
 * English, only that it is plainly something else.
 */

/** Units of other scripts than Latin, as a share of all letters, from which a text is of that script; and the fewest of them. */
const OTHER_SHARE = 0.2;
const MIN_OTHER = 10;
/** Words that are looked at, and the fewest that say anything. */
const SAMPLE_WORDS = 300;
const SAMPLE_CHARACTERS = 4_000;
const MIN_WORDS = 12;
/** Foreign words from which a text is of that language, where English ones are fewer. */
const MIN_FOREIGN = 3;

const ENGLISH =
  words(`the of a and is to in that for with if find what be are has from by on at as each how many which this it
  we you there all not can so then have does let when where will was were`);
/** Common words that are no English ones (`son`, `met`), nor part of an address (`com`), nor usual names. */
const FOREIGN: ReadonlyMap<string, string> = new Map(
  Object.entries({
    French: "le les des est une dans pour qui et du sur avec sont nous que cette aux",
    German: "der das und ist ein eine nicht den von für zu sich auf sind wird wie dem",
    Spanish: "el los las que una por para del es como su cada si cuántos",
    Italian: "il che di una della sono gli nel alla è quanti dei delle",
    Portuguese: "que uma não os para em são ao da seja qual quantos é",
    Dutch: "het een van en niet zijn dat voor wordt hoeveel",
    Indonesian: "yang adalah dari dengan untuk dalam jika sebuah pada",
    Turkish: "bir ve bu için ile olan kaç olarak",
    Vietnamese: "của là và các có cho một số hai",
    Polish: "że się nie na jak oraz dla które wynosi",
    Swedish: "och att är det som för med en av hur många",
  }).flatMap(([language, list]) => words(list).map((word): [string, string] => [word, language])),
);

function words(list: string): string[] {
  return list.split(/\s+/u).filter((word) => word !== "");
}

const ENGLISH_WORDS: ReadonlySet<string> = new Set(ENGLISH);

/** Why a text is plainly not English, for example `French: 5 common words, English 1`, or null where nothing says so. */
export function notEnglish(text: string): string | null {
  return otherScript(text) ?? otherWords(text);
}

function otherScript(text: string): string | null {
  let latin = 0;
  let other = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) latin += isAsciiLetter(unit) ? 1 : 0;
    else if (isLatinBeyondAscii(unit)) latin++;
    else if (isOtherScript(unit)) other++;
  }
  if (other < MIN_OTHER || other < OTHER_SHARE * (other + latin)) return null;
  return `${Math.round((100 * other) / (other + latin))} % of its letters are of another script`;
}

function isAsciiLetter(unit: number): boolean {
  const lower = unit | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

function isLatinBeyondAscii(unit: number): boolean {
  return (unit >= 0xc0 && unit <= 0x24f && unit !== 0xd7 && unit !== 0xf7) || (unit >= 0x1e00 && unit <= 0x1eff);
}

/** Cyrillic to Khmer and beyond, kana, Chinese, Hangul, Arabic forms. Greek and what lies outside the plane are mathematics. */
function isOtherScript(unit: number): boolean {
  return (
    (unit >= 0x400 && unit <= 0x1dff) ||
    (unit >= 0x3040 && unit <= 0xd7ff) ||
    (unit >= 0xf900 && unit <= 0xfaff) ||
    (unit >= 0xfb1d && unit <= 0xfdff) ||
    (unit >= 0xfe70 && unit <= 0xfefc)
  );
}

function otherWords(text: string): string | null {
  const sample =
    text
      .slice(0, SAMPLE_CHARACTERS)
      .toLowerCase()
      .match(/\p{L}+/gu) ?? [];
  const looked = sample.slice(0, SAMPLE_WORDS);
  if (looked.length < MIN_WORDS) return null;
  let english = 0;
  const counts = new Map<string, number>();
  for (const word of looked) {
    if (ENGLISH_WORDS.has(word)) english++;
    const language = FOREIGN.get(word);
    if (language !== undefined) counts.set(language, (counts.get(language) ?? 0) + 1);
  }
  const foreign = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (foreign < MIN_FOREIGN || foreign <= english) return null;
  const [most] = [...counts].sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1));
  return `${foreign} common words of other languages (most like ${most?.[0]}), ${english} of English`;
}
