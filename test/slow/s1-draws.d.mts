/** A number in [0, 1) that depends on the purpose and the text alone. */
export function share(purpose: string, text: string): number;
/** Whether a role's reply to a question is right. */
export function isRight(role: "teacher" | "student-7b" | "student-32b", question: string): boolean;
