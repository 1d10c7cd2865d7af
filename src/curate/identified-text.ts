/** A text with its id. */
export interface IdentifiedText {
  readonly id: string;
  readonly text: string;
}
