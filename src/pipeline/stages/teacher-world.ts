import type { EndpointPorts } from "../../adapters/teacher/open-endpoint.ts";
import type { PriceOverride } from "../../ledger/price-override.ts";

/** What asking models needs of the world outside a recipe. */
export interface TeacherWorld extends EndpointPorts {
  /** Prices from the command line. */
  readonly prices: readonly PriceOverride[];
  /** Providers whose terms were accepted, by the name that `termsGate` gives. */
  readonly acceptedTerms: readonly string[];
}
