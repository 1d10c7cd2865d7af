import { describe, expect, it } from "vitest";
import { incompleteBeta, logGamma, normalCdf, normalQuantile, tCdf, tQuantile } from "./special-functions.ts";

/** Expected values: scipy 1.x (math.lgamma, special.betainc, stats.norm, stats.t). */
const close = (actual: number, expected: number, relative: number) =>
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(relative * Math.max(Math.abs(expected), 1e-300));

describe("logGamma", () => {
  it.each([
    [0.1, 2.2527126517342055],
    [0.5, 0.5723649429247004],
    [1.5, -0.12078223763524543],
    [3.7, 1.4280723266653883],
    [10, 12.801827480081467],
    [150.5, 602.5139548705855],
    [1e5, 1051287.7089736566],
  ])("at %d", (x, expected) => close(logGamma(x), expected, 1e-13));
  it("is 0 at 1 and 2", () => {
    expect(Math.abs(logGamma(1))).toBeLessThan(1e-14);
    expect(Math.abs(logGamma(2))).toBeLessThan(1e-14);
  });
});

describe("incompleteBeta", () => {
  it.each([
    [0.25, 0.5, 0.5, 1 / 3],
    [0.4, 2, 3, 0.5248],
    [0.99, 10, 0.5, 0.6579281751567845],
    [0.52, 150, 150, 0.7556947194288126],
    [0.3, 1, 1, 0.3],
    [0, 2, 3, 0],
    [1, 2, 3, 1],
  ])("I_%d(%d, %d)", (x, a, b, expected) => close(incompleteBeta(x, a, b), expected, 1e-12));
});

describe("normal distribution", () => {
  it.each([
    [1e-10, -6.361340902404056],
    [0.001, -3.090232306167813],
    [0.02425, -1.972961051311885],
    [0.3, -0.5244005127080409],
    [0.8, 0.8416212335729143],
    [0.975, 1.959963984540054],
    [0.995, 2.5758293035489004],
    [1 - 1e-6, 4.753424308817087],
  ])("quantile of %d, and back", (p, expected) => {
    close(normalQuantile(p), expected, 1e-10);
    close(normalCdf(expected), p, 1e-12);
  });
  it("is symmetric about 0", () => {
    expect(normalQuantile(0.5)).toBe(0);
    expect(normalCdf(0)).toBe(0.5);
  });
});

describe("Student's t", () => {
  it.each([
    [0.975, 1, 12.706204736174694],
    [0.975, 2, 4.302652729749462],
    [0.975, 5, 2.5705818356363146],
    [0.975, 10, 2.228138851986274],
    [0.975, 29, 2.045229642132703],
    [0.975, 299, 1.9679296690656698],
    [0.95, 3, 2.3533634348018233],
    [0.9995, 4, 8.610301581379522],
    [0.6, 7, 0.2631668613520229],
    [0.975, 0.5, 164.55767348048818],
    [0.025, 10, -2.2281388519862753],
  ])("quantile of %d with %d degrees of freedom", (p, df, expected) => close(tQuantile(p, df), expected, 1e-10));
  it.each([
    [0, 3, 0.5],
    [1, 1, 0.75],
    [2.5, 10, 0.9842765778816955],
    [-2.5, 10, 0.01572342211830441],
    [8, 2, 0.9923659639173309],
    [0.01, 200, 0.5039843724233595],
  ])("probability up to %d with %d degrees of freedom", (t, df, expected) => close(tCdf(t, df), expected, 1e-12));
  it("has its middle at 0", () => expect(tQuantile(0.5, 4)).toBe(0));
});
