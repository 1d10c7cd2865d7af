/** @file `generation_config.json` of an exported student: every id that ends a reply, and how to sample. Pure. */
import { z } from "zod";

/** What is read of the file. */
export interface Generation {
  /** The file as it is written. */
  readonly json: Record<string, unknown>;
  /** Ids that end a reply. */
  readonly eosIds: readonly number[];
  readonly sampling: { readonly temperature: number; readonly topP?: number; readonly topK?: number };
}

const File = z.looseObject({
  do_sample: z.boolean().optional(),
  temperature: z.number().min(0).max(10).optional(),
  top_p: z.number().min(0).max(1).optional(),
  top_k: z.int().min(0).optional(),
  eos_token_id: z.union([z.int().min(0), z.array(z.int().min(0)).max(64)]).optional(),
  pad_token_id: z.int().min(0).nullish(),
});

/**
 * The file to write from the one that there is: the tokenizer's ends of turn are added to its ids, since a student that does
 * not stop at its own end of turn talks on; its sampling stays. Greedy where there is no file.
 *
 * @param found the parsed file; undefined where there is none or it is not JSON
 * @param control the tokenizer's ids
 */
export function generationConfig(
  found: unknown,
  control: { readonly ends: readonly number[]; readonly pad: number },
): Generation {
  const read = File.safeParse(found ?? {});
  const { eos_token_id: eos, do_sample, ...rest } = read.success ? read.data : {};
  const eosIds = [...new Set([...control.ends, ...(Array.isArray(eos) ? eos : eos === undefined ? [] : [eos])])];
  const json = {
    ...rest,
    do_sample: do_sample ?? false,
    eos_token_id: eosIds,
    pad_token_id: rest.pad_token_id ?? control.pad,
  };
  const { temperature = 1, top_p, top_k } = rest;
  const sampling =
    do_sample === true
      ? {
          temperature,
          ...(top_p === undefined ? {} : { topP: top_p }),
          ...(top_k === undefined ? {} : { topK: top_k }),
        }
      : { temperature: 0 };
  return { json, eosIds, sampling };
}
