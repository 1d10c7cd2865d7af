import { moneyView, type MoneyView } from "../../report/page/money-view.ts";
import { readSpending } from "../run-spending.ts";
import type { PageReader } from "./page-reader.ts";
import { doneStamp, type RunFacts } from "./run-facts.ts";

/** The ledger's view. Throws as reading the journal does. */
export async function readMoney(facts: RunFacts, reader: PageReader): Promise<MoneyView> {
  const { folder, pid, name, result } = facts;
  const stamp = `${await reader.journalStamp(folder)} ${doneStamp(facts)}`;
  const spending = await reader.kept.getSeldom(`money ${folder}`, stamp, () => readSpending(reader.ports, folder));
  return moneyView({ ...spending, run: name, pid }, result?.student ?? null);
}
