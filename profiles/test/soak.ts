/** How many times the small counts of `make test` are run: `make soak` sets MOTELET_SOAK. */
export const soak = process.env.MOTELET_SOAK ? 100 : 1;
