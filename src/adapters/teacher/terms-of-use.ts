/**
 * @file May a model be trained on what a teacher writes? What the terms of each provider, and the licence of each family
 * of open weights, say of that, as far as it could be read; and the gate that a run must pass. Not legal advice: the
 * table says where to read, and `unknown` where we could not. Pure.
 */
import { type Endpoint } from "../../schema/endpoint.ts";
import { LICENCES, PROVIDERS, SELF_HOSTED, type TermsOfUse } from "./terms-table.ts";

/** Terms that nobody has accepted yet. */
export interface TermsObstacle {
  readonly terms: TermsOfUse;
  /** What stands where, in one sentence. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

/**
 * The terms that an endpoint's replies come under: the provider's, and the licence of the model where its weights are
 * open and we know their family by name. The first is the provider's; an unknown host is a provider of its own.
 */
export function termsOf(endpoint: Pick<Endpoint, "type" | "baseUrl" | "model">): readonly TermsOfUse[] {
  const provider = providerOf(endpoint);
  if (endpoint.type !== "openai-compatible") return [provider];
  const licence = LICENCES.find(({ models }) => models.test(endpoint.model));
  return licence === undefined ? [provider] : [provider, licence];
}

/**
 * What keeps a run from training on the replies of these endpoints: terms that forbid it, allow it on a condition, or
 * could not be read, and that are not among the `accepted` names. Empty: nothing does. A judge's or reference student's
 * replies are not trained on: leave those endpoints out.
 */
export function termsGate(
  endpoints: readonly Pick<Endpoint, "type" | "baseUrl" | "model">[],
  accepted: readonly string[],
): TermsObstacle[] {
  const names = new Set(accepted.map((name) => name.trim().toLowerCase()));
  const all = new Map(endpoints.flatMap(termsOf).map((terms) => [terms.provider, terms]));
  return [...all.values()]
    .filter(({ provider, mayTrain }) => mayTrain !== "yes" && !names.has(provider))
    .map((terms) => ({ terms, message: sentence(terms), hint: hint(terms) }));
}

function sentence({ title, mayTrain, clause, source, textOf }: TermsOfUse): string {
  const where = source === null ? "" : ` (${source}${textOf === null ? "" : `, text of ${textOf}`})`;
  return `${title}: ${VERDICTS[mayTrain]}: ${clause}${where}`;
}

const VERDICTS: Readonly<Record<TermsOfUse["mayTrain"], string>> = {
  yes: "a model may be trained on its replies",
  no: "no model that competes may be trained on its replies",
  conditional: "a model may be trained on its replies on a condition",
  unknown: "we do not know whether a model may be trained on its replies",
};

function hint({ provider, source }: TermsOfUse): string {
  const read = source === null ? "find and read its terms" : "read the terms";
  return `${read}; if your use is within them, run with --accept-terms ${provider} (it is recorded in the manifest)`;
}

function providerOf({ type, baseUrl }: Pick<Endpoint, "type" | "baseUrl">): TermsOfUse {
  const { hostname } = new URL(baseUrl);
  const host = hostname.toLowerCase();
  const known = PROVIDERS.find(({ hosts }) => hosts.some((name) => host === name || host.endsWith(`.${name}`)));
  if (known !== undefined) return known;
  if (isOurs(host)) return SELF_HOSTED;
  const spoken = PROVIDERS.find((provider) => provider.api === type);
  if (spoken !== undefined) return spoken; // a proxy to that provider's own API: its terms still bind
  return {
    provider: host,
    title: host,
    hosts: [host],
    mayTrain: "unknown",
    clause: "its terms are not in our table",
    source: null,
    textOf: null,
  };
}

/** Loopback, a private address (RFC 1918, 4193, 3927), a bare machine name, or a name that only a local network gives. */
function isOurs(host: string): boolean {
  if (/^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.)[\d.]+$/.test(host)) return true;
  if (/^\[(::1|f[cd][\da-f]{2}:.*|fe80:.*)\]$/.test(host)) return true;
  return !host.includes(".") ? !host.startsWith("[") : /\.(localhost|local|internal|lan|home\.arpa)$/.test(host);
}
