import { expect, it } from "vitest";
import {
  count,
  dollars,
  duration,
  parameterCount,
  percent,
  percentInterval,
  points,
  pValue,
  signed,
} from "./number-format.ts";

it.each([
  [percent(0.793), "79.3 %"],
  [percent(0.7949, 0), "79 %"],
  [percent(null), "–"],
  [percentInterval([0.745, 0.836]), "74.5–83.6 %"],
  [percentInterval(null), "–"],
  [points(-0.042), "−4.2 points"],
  [signed(0.04), "0.0"],
  [signed(12.34), "+12.3"],
  [count(1234567.4), "1,234,567"],
  [count(999), "999"],
  [duration(0.44), "0.4 s"],
  [duration(9.97), "10 s"],
  [duration(59.7), "1 min 00 s"],
  [duration(134), "2 min 14 s"],
  [duration(3600 * 26 + 299), "26 h 05 min"],
  [dollars(0), "$0"],
  [dollars(0.00423), "$0.0042"],
  [dollars(12.3), "$12.30"],
  [pValue(1e-30), "p < 0.0001"],
  [pValue(0.0031), "p = 0.0031"],
  [pValue(0.42), "p = 0.42"],
  [pValue(null), "p not defined"],
  [parameterCount(861_568), "0.86 million"],
  [parameterCount(32.8e9), "32.8 billion"],
  [parameterCount(512), "512"],
])("%s is %s", (actual, expected) => {
  expect(actual).toBe(expected);
});
