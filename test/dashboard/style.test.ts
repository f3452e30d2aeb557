/** Contrast that axe does not measure: hints inside of fields and the borders that show where a field is. */
import { expect, it } from 'vitest'
import { style } from '../../src/dashboard/style.ts'

const [light = '', dark = ''] = style.match(/:root \{[^}]*\}/g) ?? []

/** Relative luminance of `#rgb` or `#rrggbb` (WCAG 2.2). */
function luminance(color: string): number {
  const digits = color.length === 4 ? color.slice(1).replaceAll(/./g, '$&$&') : color.slice(1)
  const [red = 0, green = 0, blue = 0] = [0, 2, 4].map((at) => {
    const part = Number.parseInt(digits.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(scheme: string, one: string, other: string): number {
  const [darker = 0, lighter = 0] = [one, other]
    .map((name) => luminance(new RegExp(`--${name}: (#[0-9a-f]+)`).exec(scheme)?.[1] ?? '#000'))
    .sort((a, b) => a - b)
  return (lighter + 0.05) / (darker + 0.05)
}

it.each([
  ['light', light],
  ['dark', dark],
])('is enough in %s for a hint in a field (SC 1.4.3) and for its border (SC 1.4.11)', (_name, scheme) => {
  expect(style).toContain('::placeholder { color: var(--placeholder); opacity: 1 }')
  expect(contrast(scheme, 'placeholder', 'surface')).toBeGreaterThan(4.5)
  expect(style).toMatch(/\ninput, textarea, select \{[^}]*border: 1px solid var\(--field\)/)
  expect(contrast(scheme, 'field', 'surface')).toBeGreaterThan(3)
})
