/** Whether everything is to be tried (`npm run test:sandbox`), or only what takes a moment (`npm test`). */
export const isFull = process.env["GRAPPA_SANDBOX_TESTS"] === "all";

/** Whether tests can start processes of other users. */
export const isRoot = process.getuid?.() === 0;

/** Who the tests are run as, for titles. */
export const me = isRoot ? "as root" : "as an ordinary user";

/** A user that nothing else on this machine is. */
export const USER = 54_321;
