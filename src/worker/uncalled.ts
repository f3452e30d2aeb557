/** Stands in for what libraries bring along into the Worker's bundle and nothing calls here (see `[alias]` in wrangler.toml). */
export default {}
