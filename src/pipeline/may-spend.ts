import { isAsked, type Recipe } from "../schema/recipe.ts";

/** Whether anybody but this machine is asked. */
export function asksOthers({ trace, attempt, judge, student }: Recipe): boolean {
  const isRemote = isAsked(trace.teacher) || trace.escalate.length > 0;
  return isRemote || attempt.students.length > 0 || judge !== undefined || student.hosted !== undefined;
}

/** Whether a run of this recipe may spend money: somebody is asked or rented, and its cap is above 0, which nothing gets past. */
export function maySpend(recipe: Recipe): boolean {
  return recipe.maxUsd > 0 && (asksOthers(recipe) || recipe.train.launcher !== undefined);
}
