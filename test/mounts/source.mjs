const { STRIPPED } = process.env

/** Where a module of the source is, by its path without an ending: stripped where the whole suite runs. */
export const source = (name) =>
  new URL(STRIPPED ? `../../${STRIPPED}/${name}.js` : `../../src/${name}.ts`, import.meta.url).href
