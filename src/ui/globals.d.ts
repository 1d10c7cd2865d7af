/** Colours and charts of the report, as one style sheet (scripts/build-ui.mjs). */
declare module "report:style.css";

/** The part of Trusted Types that the page uses; not every browser has them. */
interface TrustedMarkupPolicy {
  createHTML(text: string): unknown;
}
interface Window {
  readonly trustedTypes?: {
    createPolicy(name: string, rules: { createHTML: (text: string) => string }): TrustedMarkupPolicy;
  };
}
