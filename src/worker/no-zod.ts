/** Stands in for zod in the Worker's bundle: a library that can use it brings it along, nothing here calls it. */
export default {}
