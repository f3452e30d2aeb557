/** Seeds that failed once, or fail without a mending; docs/simulation.md has what they found. They stay for good. */
export const seedsThatFailed: readonly number[] = [
  17, 20, 39, 86, 93, 121, 125, 207, 5174, 11243, 11578, 11880, 13208, 21468, 50095, 961097, 8000167, 8200287,
]

/** Run by every `npm test` besides. */
export const fixedSeeds: readonly number[] = Array.from({ length: 100 }, (_, i) => 1000 + i)
