/** Time as a port. */
export interface Clock {
  /** Milliseconds since an arbitrary moment; never goes back. */
  now(): number;
  /** The date and time, ISO 8601 in UTC. */
  date(): string;
}

/** This machine's clock. */
export function systemClock(): Clock {
  return { now: () => performance.now(), date: () => new Date().toISOString() };
}
