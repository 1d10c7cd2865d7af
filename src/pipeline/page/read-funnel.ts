import type { FunnelView } from "../../report/page/funnel-view.ts";
import { funnelOf } from "../../report/view/funnel.ts";
import type { FunnelStage } from "../../schema/records.ts";
import { finishedStages } from "../finished-stages.ts";
import type { PageReader } from "./page-reader.ts";
import { doneStamp, type RunFacts } from "./run-facts.ts";

/** What the stages that are done kept and dropped, in their order. Throws as reading their manifests does. */
export async function readFunnelStages(facts: RunFacts, { kept, ports }: PageReader): Promise<readonly FunnelStage[]> {
  return await kept.get(`funnel ${facts.folder}`, doneStamp(facts), async () => {
    const stages = await finishedStages(ports.fs, facts.folder);
    return [...stages.values()].flatMap(({ manifest }) => manifest.funnel);
  });
}

/** The funnel's view. */
export async function readFunnel(facts: RunFacts, reader: PageReader): Promise<FunnelView> {
  return { run: facts.name, rows: funnelOf(await readFunnelStages(facts, reader)) };
}
